/** Waits are spread from nothing to a growing most, and can be cut short. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { PACE, Sleeper, wait } from "../../src/waiting.ts";

const most = (tries: number, closedWith?: number): number => wait(PACE, tries, closedWith, () => 1);

test("a wait is anything from nothing to a most that doubles, up to half a minute", () => {
  assert.deepEqual(
    [0, 1, 2, 5, 6, 1_000, Infinity].map((tries) => most(tries)),
    [500, 1_000, 2_000, 16_000, 30_000, 30_000, 30_000],
  );
  assert.equal(
    wait(PACE, 5, undefined, () => 0),
    0,
  );
  assert.equal(
    wait(PACE, 0, 1012, () => 0.25),
    125,
  );
});

test("a server that has too much to do is left alone for longer", () => {
  assert.deepEqual(
    [0, 1].map((tries) => most(tries, 1013)),
    [4_000, 8_000],
  );
});

test("waits are spread evenly", () => {
  const waits = Array.from({ length: 4_000 }, () => wait(PACE, 3));
  const early = waits.filter((each) => each < 2_000).length;
  assert.ok(early > 1_700 && early < 2_300, String(early));
});

test("a wait ends when its time is over, or when somebody calls", async () => {
  const sleeper = new Sleeper();
  await sleeper.sleep(1);
  const began = Date.now();
  const asleep = sleeper.sleep(60_000);
  sleeper.wake();
  await asleep;
  assert.ok(Date.now() - began < 1_000);
  sleeper.wake();
});

/** What may be tried again, what may not, and tokens that are renewed once. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryStore, NotSignedIn, type Post, Refused, type Reply, Unreachable } from "../../src/index.ts";
import { newAction } from "../../src/actions.ts";
import { ask } from "../../src/asking.ts";
import { Outbox } from "../../src/outbox.ts";
import { Session } from "../../src/session.ts";
import type { Action } from "../../src/store.ts";

const json = (said: unknown, status = 200): Reply => ({ status, body: JSON.stringify(said) });
const error = (code: string, status = 200): Reply => json({ errors: [{ message: "…", extensions: { code } }] }, status);

test("an answer is its data, and what goes wrong has a kind", async () => {
  const asked = (reply: Reply): Promise<unknown> => ask(async () => reply, "", {}, "{ viewer { id } }", {});
  assert.deepEqual(await asked(json({ data: { viewer: { id: "1" } } })), { viewer: { id: "1" } });
  await assert.rejects(asked(error("SIGN_IN_ENDED", 401)), NotSignedIn);
  await assert.rejects(asked(error("BAD_CURSOR")), Refused);
  await assert.rejects(asked(error("UNAVAILABLE", 503)), Unreachable);
  await assert.rejects(asked(error("INTERNAL", 500)), Unreachable);
  await assert.rejects(asked({ status: 502, body: "<html>Bad gateway</html>" }), { code: "HTTP_502" });
  await assert.rejects(asked({ status: 200, body: "null" }), Unreachable);
  const dead: Post = () => Promise.reject(new TypeError("fetch failed"));
  await assert.rejects(ask(dead, "", {}, "{ viewer { id } }", {}), Unreachable);
});

/** A server that takes one token and, for the refresh token that belongs to it, gives another. */
class Door {
  refreshed = 0;
  private good = "access 1";

  readonly post: Post = async (_url, headers, body) => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (!body.includes("mutation Refresh")) {
      return headers["Authorization"] === `Bearer ${this.good}` ? json({ data: "in" }) : error("SIGN_IN_ENDED", 401);
    }
    if (!body.includes(`refresh ${this.refreshed}`)) {
      return json({ data: { result: { __typename: "Problem", code: "REFRESH_REUSED", message: "…" } } });
    }
    this.good = `access ${++this.refreshed}`;
    const fresh = { accessToken: this.good, refreshToken: `refresh ${this.refreshed}` };
    return json({ data: { result: { __typename: "SignedIn", ...fresh } } });
  };
}

test("many who find the token expired get one new one, which is kept", async () => {
  const door = new Door();
  const kept: string[] = [];
  const first = { accessToken: "access 0", refreshToken: "refresh 0" };
  const session = new Session(door.post, "", "zh", first, ({ refreshToken }) => void kept.push(refreshToken));

  assert.deepEqual(await Promise.all([1, 2, 3].map(() => session.ask("{ viewer { id } }", {}))), ["in", "in", "in"]);
  assert.deepEqual([door.refreshed, kept], [1, ["refresh 1"]]);
});

test("who can't refresh is not signed in", async () => {
  const used = { accessToken: "access 0", refreshToken: "used before" };
  const session = new Session(new Door().post, "", "zh", used, () => assert.fail("nothing to keep"));
  await assert.rejects(session.ask("{ viewer { id } }", {}), { code: "REFRESH_REUSED" });
});

const PACE = { first: 1, longest: 2, ping: 1_000, silence: 2_000 };

/** Send two notes to a server that answers the first so; gives what became of it, and how often it was sent. */
async function sent(answer: () => unknown): Promise<{ first: Action | undefined; keys: string[]; others: number }> {
  const store = new MemoryStore();
  const keys: string[] = [];
  let others = 0;
  const outbox = new Outbox({
    store,
    pace: PACE,
    newKey: () => String(Math.random()),
    ask: async <Data>(_document: string, { idempotencyKey, body }: { idempotencyKey?: string; body?: string }) => {
      if (body === "second") others++;
      else keys.push(String(idempotencyKey));
      return (body === "second" ? { result: { __typename: "NoteChanged", places: [] } } : answer()) as Data;
    },
    onActions: () => undefined,
    onProblem: () => undefined,
    onTrouble: () => undefined,
  });
  await outbox.add("addNote", { body: "first" }, []);
  await outbox.add("addNote", { body: "second" }, []);
  while (others === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  await outbox.stop();
  return { first: (await store.actions())[0], keys, others };
}

test("a bug of the server's holds up the queue for a few tries only", async () => {
  const { first, keys, others } = await sent(() => {
    throw new Unreachable("INTERNAL");
  });
  assert.deepEqual([first?.state, first?.problem?.code, others], ["REFUSED", "INTERNAL", 1]);
  assert.deepEqual([keys.length, new Set(keys).size], [5, 1]);
});

test("what the server can't take at all is told to the app, and the queue goes on", async () => {
  const { first, keys } = await sent(() => {
    throw new Refused("GRAPHQL_VALIDATION_FAILED", "…");
  });
  assert.deepEqual([first?.problem?.code, keys.length], ["GRAPHQL_VALIDATION_FAILED", 1]);
});

test("a server that is busy is asked again under the same key for as long as it takes", async () => {
  let tries = 0;
  const busy = { result: { __typename: "Problem", code: "UNAVAILABLE", message: "…", current: null } };
  const { first, keys } = await sent(() =>
    ++tries < 9 ? busy : { result: { __typename: "NoteChanged", places: [] } },
  );
  assert.deepEqual([first, keys.length, new Set(keys).size], [undefined, 9, 1]);
});

test("what was done too long ago is shown to the person and not sent", async () => {
  const store = new MemoryStore();
  const old = newAction("k", 1, "addNote", { body: "first" }, []);
  await store.keep([{ ...old, at: old.at - 30 * 24 * 3_600_000 }], []);
  const told: string[] = [];
  const outbox = new Outbox({
    store,
    pace: PACE,
    newKey: () => assert.fail("nothing new"),
    ask: () => assert.fail("it was sent"),
    onActions: () => undefined,
    onProblem: (_action, { code }) => told.push(code),
    onTrouble: () => undefined,
  });
  outbox.send();
  await outbox.stop();
  assert.deepEqual(told, ["TOO_OLD"]);
  assert.deepEqual(
    (await store.actions()).map(({ state }) => state),
    ["REFUSED"],
  );
});

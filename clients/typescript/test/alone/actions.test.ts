/** What becomes of what a person did, case by case. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Payload, done, hasReached, movedOn, newAction, shown } from "../../src/actions.ts";
import type { Action, Row } from "../../src/store.ts";

const NOTE = {
  __typename: "Note",
  id: "n",
  version: 2,
  body: "喜欢靛蓝",
  at: "",
  author: null,
  relationship: null,
} as const;
const PAYLOAD: Payload = { __typename: "NoteChanged", places: [{ feed: "f", seq: 7 }], note: NOTE };

function edit(key: string, variables: Record<string, unknown>, copies: Row[] = []): Action {
  return { ...newAction(key, 1, "editNote", variables, copies), at: 0 };
}

function noted(version: number, body: string): Row {
  return { entityType: "NOTE", id: "n", version, relationshipId: "r", node: { ...NOTE, version, body } };
}

test("an answer takes the place of the guess", () => {
  const action = done(edit("k", { id: "n" }, [noted(1, "guess")]), PAYLOAD);
  assert.deepEqual([action.state, action.places], ["DONE", [{ feed: "f", seq: 7 }]]);
  assert.deepEqual(action.copies, [{ entityType: "NOTE", id: "n", version: 2, relationshipId: null, node: NOTE }]);
});

test("what was done to the same version of the same thing moves on with it", () => {
  const first = edit("1", { id: "n", expectedVersion: 1 });
  const [moved, ...others] = movedOn(first, PAYLOAD, [
    first,
    edit("same", { id: "n", expectedVersion: 1 }),
    edit("other thing", { id: "m", expectedVersion: 1 }),
    edit("by customer", { customerId: "n", expectedVersion: 1 }),
    edit("other version", { id: "n", expectedVersion: 4 }),
    edit("no version", { id: "n" }),
    { ...edit("sent", { id: "n", expectedVersion: 1 }), isSent: true },
    { ...edit("refused", { id: "n", expectedVersion: 1 }), state: "REFUSED" as const },
  ]);
  assert.deepEqual(moved, edit("same", { id: "n", expectedVersion: 2 }));
  assert.deepEqual(others, []);
});

test("a change is held once every feed that tells of it has come so far", () => {
  const known = [
    { feed: "f", seq: 7 },
    { feed: "g", seq: 3 },
  ];
  const reached = (...wanted: Array<[string, number]>): boolean[] =>
    [true, false].map((ifUnknown) => hasReached(known, wanted.map(([feed, seq]) => ({ feed, seq })), ifUnknown)); // prettier-ignore
  assert.deepEqual(reached(["f", 7]), [true, true]);
  assert.deepEqual(reached(["f", 7], ["g", 4]), [false, false]);
  assert.deepEqual(reached(["f", 7], ["gone", 1]), [true, false]);
  assert.deepEqual(reached(), [true, true]);
});

test("a person sees what they did over what was told, until something newer is told", () => {
  const guess = edit("k", {}, [noted(1, "guess")]);
  const answered = done(guess, PAYLOAD);
  const seen = (told: Row[], ...actions: Action[]): unknown[] =>
    shown(told, actions, "NOTE").map(({ version, node, relationshipId }) => [
      version,
      "body" in node && node.body,
      relationshipId,
    ]);

  assert.deepEqual(seen([noted(1, "old")], guess), [[1, "guess", "r"]]);
  assert.deepEqual(seen([noted(5, "another's")], guess), [[1, "guess", "r"]]);
  assert.deepEqual(seen([noted(1, "old")], answered), [[2, "喜欢靛蓝", "r"]]);
  assert.deepEqual(seen([noted(2, "told")], answered), [[2, "told", "r"]]);
  assert.deepEqual(seen([], answered), [[2, "喜欢靛蓝", null]]);
  assert.deepEqual(shown([], [answered], "TASK"), []);
});

/** What becomes of something that the person did, once the server has answered. */

import { entityTypeOf } from "./documents.ts";
import type { Action, Problem, Row } from "./store.ts";
import type { ChangedNode, EntityType, Place } from "./types.ts";

/** The server keeps keys for 30 days; the clock of a phone may be wrong. */
const KEYS_ARE_KEPT = 29 * 24 * 3_600_000;

/** What a mutation answers when it did something: the rows as they are now, and where the change is told of. */
export type Payload = { __typename: string; places: Place[] } & Record<string, unknown>;

export function newAction(
  key: string,
  order: number,
  mutation: string,
  variables: Record<string, unknown>,
  copies: Row[],
): Action {
  const at = Date.now();
  return { key, order, at, mutation, variables, copies, isSent: false, state: "WAITING", places: [], problem: null };
}

/** Whether the server may have forgotten the key, so that sending it again could do the thing again. */
export function isTooOld({ at }: Action, now = Date.now()): boolean {
  return now - at > KEYS_ARE_KEPT;
}

export function refused(action: Action, problem: Problem): Action {
  return { ...action, state: "REFUSED", copies: [], problem };
}

/** The action with what the server answered in place of what the app had guessed. */
export function done(action: Action, payload: Payload): Action {
  const copies = nodesIn(payload).map((node) => ({
    entityType: entityTypeOf(node.__typename) as EntityType,
    id: node.id,
    version: node.version,
    relationshipId: null,
    node,
  }));
  return { ...action, state: "DONE", copies, places: payload.places };
}

/**
 * Those of the others that were done to the same version of the same thing, now to the version that this one made.
 * Otherwise whoever changes a thing twice while offline would be told that somebody else was faster. What may have
 * reached the server stays as it is: the same key with another body is refused.
 */
export function movedOn(action: Action, payload: Payload, others: Action[]): Action[] {
  const [made] = nodesIn(payload);
  const before = action.variables["expectedVersion"];
  if (made === undefined || typeof before !== "number") return [];
  return others
    .filter((other) => other.state === "WAITING" && !other.isSent && other.key !== action.key)
    .filter((other) => other.variables["expectedVersion"] === before && isOfTheSame(action, other))
    .map((other) => ({ ...other, variables: { ...other.variables, expectedVersion: made.version } }));
}

/**
 * Whether a copy that has come to `known` holds a change that is told of at `wanted`. A feed that `known` doesn't name
 * has started over or is not followed any more, and then never gets there; `ifUnknown` says what that counts for.
 */
export function hasReached(known: Place[], wanted: Place[], ifUnknown: boolean): boolean {
  return wanted.every(({ feed, seq }) => {
    const place = known.find((each) => each.feed === feed);
    return place === undefined ? ifUnknown : place.seq >= seq;
  });
}

/** The rows of a kind as the person is to see them: with what they did, before the server has told of it. */
export function shown(rows: Row[], actions: Action[], entityType: EntityType): Row[] {
  const seen = new Map(rows.map((row) => [row.id, row]));
  for (const { state, copies } of actions) {
    for (const copy of copies) {
      if (copy.entityType !== entityType) continue;
      const told = seen.get(copy.id);
      // What the server answered is right until something newer is told; what the app guessed, until it is answered.
      if (state === "WAITING" || told === undefined || told.version < copy.version) {
        seen.set(copy.id, { ...copy, relationshipId: copy.relationshipId ?? told?.relationshipId ?? null });
      }
    }
  }
  return [...seen.values()];
}

function nodesIn(payload: Payload): ChangedNode[] {
  return Object.values(payload).flat().filter(isNode);
}

function isNode(value: unknown): value is ChangedNode {
  return typeof value === "object" && value !== null && "__typename" in value && "id" in value && "version" in value;
}

function isOfTheSame(one: Action, other: Action): boolean {
  return ["id", "customerId"].every((name) => one.variables[name] === other.variables[name]);
}

/** What the client keeps on the phone, and the rules by which a copy takes changes in. */

import type { ChangedNode, EntityType, LiveAnswer, Place, SnapshotAnswer } from "./types.ts";

/** What the server says at once of what changed. */
export type Changes = LiveAnswer["changes"];
export type Change = Changes["changes"][number];
export type Batch = Pick<Changes, "changes" | "places">;
export type Page = SnapshotAnswer["snapshot"];

/** A thing as the server last told it. */
export type Row = Page["items"][number];

type Named<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Capitalize<Lowercase<Head>>}${Named<Tail>}`
  : Capitalize<Lowercase<Name>>;

/** The type of the nodes of a kind: `Task` for `TASK`, `TagGroup` for `TAG_GROUP`. */
export type NodeOf<Type extends EntityType> = Extract<ChangedNode, { __typename: Named<Type> }>;

/** Where a copy stands: what is told next is what comes after `cursor`. */
export interface Standing {
  cursor: string;
  places: Place[];
  /** The documents that the copy was made with: after an update of the app, rows may lack what it wants to know. */
  shape: string;
}

/** Where a copy stands that is still being fetched; `next` is the page to go on with. */
export interface Staging extends Standing {
  next: string;
}

/** Why a mutation changed nothing. */
export interface Problem {
  __typename: "Problem";
  /** For the app: a stable word in capitals. */
  code: string;
  /** For the person: one sentence. */
  message: string;
  /** The row as it is now, where somebody else was faster. */
  current: ChangedNode | null;
}

export type ActionState = "WAITING" | "DONE" | "REFUSED";

/** Something that the person did, from the moment when they did it. */
export interface Action {
  /** The idempotency key: the same for every try. */
  key: string;
  order: number;
  /** When the person did it, in milliseconds of the phone's clock. */
  at: number;
  mutation: string;
  variables: Record<string, unknown>;
  /** What to show for it meanwhile: first as the app thinks, then as the server answered. */
  copies: Row[];
  /** Whether it may have reached the server: from then on it must stay as it is. */
  isSent: boolean;
  state: ActionState;
  /** Where the change is told of; once the copy has come so far, it holds the change itself. */
  places: Place[];
  /** Why it was refused. */
  problem: Problem | null;
}

/**
 * Keeps rows, where they stand, and what was done. Each method happens as a whole or not at all, even if the phone dies
 * in the middle. One for each person who signs in: what one may see another may not.
 */
export interface LocalStore {
  /** Where the copy stands; null before the first one is whole. */
  standing(): Promise<Standing | null>;
  /** The rows of one kind, or all. */
  rows(entityType?: EntityType): Promise<Row[]>;
  /** Take changes in, together with the cursor behind them. */
  apply(batch: Batch, cursor: string): Promise<void>;

  /** The copy that is being fetched beside the one that is read; null if there is none. */
  staging(): Promise<Staging | null>;
  /** Put a page aside. The last page makes it the copy that is read, and the one before is gone. */
  stage(page: Page, shape: string): Promise<void>;
  /** Throw away what was put aside. */
  unstage(): Promise<void>;

  /** What was done and is not yet told by the copy itself, in the order in which it was done. */
  actions(): Promise<Action[]>;
  /** Keep these actions as they are now, and drop others. */
  keep(actions: Action[], drop: string[]): Promise<void>;
}

/** Whether a row may take the place of what is there: an older one that comes late may not. */
export function mayReplace(known: { version: number } | undefined, told: { version: number }): boolean {
  return known === undefined || told.version >= known.version;
}

/** The row that a change brings; null for one that takes away. */
export function rowOf(change: Change): Row | null {
  const { entityType, id, version, relationshipId, node } = change;
  return change.op === "PUT" && node !== null ? { entityType, id, version, relationshipId, node } : null;
}

/** Whether whoever forgets this forgets all that belongs to it too. */
export function ownsOthers(change: { entityType: EntityType }): boolean {
  return change.entityType === "RELATIONSHIP";
}

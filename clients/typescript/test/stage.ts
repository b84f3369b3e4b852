/** The server that the tests run against, the brands made on it, and phones of the people in them. */

import assert from "node:assert/strict";
import { afterEach } from "node:test";
import { Client, type Credentials, MemoryStore, type Options, type Post, fetchPost, signIn } from "../src/index.ts";
import type { Action, Changes, LocalStore, Row } from "../src/store.ts";
import type { Place, SnapshotAnswer } from "../src/types.ts";
import type { Pace } from "../src/waiting.ts";
import { hasReached } from "../src/actions.ts";
import { SNAPSHOT, type mutations } from "../src/documents.ts";
import { NodeSocket, Wire } from "./wire.ts";

export interface World {
  brand: string;
  brandId: string;
  password: string;
  guide: string;
  otherGuide: string;
  manager: string;
  accounts: [string, string];
  customers: string[];
  tags: string[];
}

/** Waits as on a phone, a hundred times as fast. */
export const QUICK: Pace = { first: 20, longest: 200, ping: 500, silence: 1_500 };

export const TOMORROW = "2030-03-02T04:00:00+00:00";

const NOW = "query Now { changes { places { feed seq } } }";
const PORT = Number(needed("DAOGOU_PORT"));
const DIRECT = `http://127.0.0.1:${PORT}/graphql`;

/** Ask what can't be asked by GraphQL. */
async function onStage<Said>(what: string, asked: object = {}): Promise<Said> {
  const answer = await fetch(`${needed("DAOGOU_STAGE")}/${what}`, { method: "POST", body: JSON.stringify(asked) });
  if (!answer.ok) throw new Error(`${what}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as Said;
}

export const newWorld = (): Promise<World> => onStage("world");

let shared: Promise<World> | undefined;

/** The world that the tests of a file share. */
export function theWorld(): Promise<World> {
  return (shared ??= newWorld());
}

export const newEpoch = ({ brandId }: World): Promise<{ feeds: number }> => onStage("epoch", { brandId });

/** A sign-in whose access token is soon no good any more. */
export function expiring({ brand }: World, number: string, seconds: number): Promise<Credentials> {
  return onStage("expiring", { brand, number, seconds });
}

export function signedIn(world: World, number: string, post: Post = fetchPost()): Promise<Credentials> {
  return signIn(post, DIRECT, { brand: world.brand, number, password: world.password });
}

/** Asks as somebody at a desk, who has no copy and no queue; gives the field `result`. */
export type Desk = <Result = object>(document: string, variables?: object) => Promise<Result>;

export async function desk(world: World, number = world.manager): Promise<Desk> {
  const { accessToken } = await signedIn(world, number);
  return async <Result>(document: string, variables: object = {}): Promise<Result> => {
    const headers = { "Content-Type": "application/json", Authorization: `Bearer ${accessToken}` };
    const body = JSON.stringify({ query: document, variables });
    const answer = await fetch(DIRECT, { method: "POST", headers, body });
    const said = (await answer.json()) as { data?: { result: Result }; errors?: unknown };
    if (said.data === undefined || said.errors !== undefined) throw new Error(JSON.stringify(said));
    return said.data.result;
  };
}

/** A mutation that asks only whether it was done. */
export function doing(name: keyof typeof mutations, variables: string, wanted = ""): string {
  const names = [...variables.matchAll(/\$(\w+):/g)].map(([, each]) => `${each}: $${each}`).join(", ");
  return `mutation (${variables}) { result: ${name}(${names}) { __typename ${wanted} } }`;
}

const GIVE = doing("createTask", "$input: NewTask!", "... on TaskChanged { task { id } }");
const desks = new Map<World, Promise<Desk>>();

/** Give a customer a task, as the manager; gives its id. */
export async function giveTask(world: World, title: string, customerId = world.customers[0]): Promise<string> {
  if (!desks.has(world)) desks.set(world, desk(world));
  const manager = await desks.get(world);
  const input = { title, dueAt: TOMORROW, kind: "REVISIT", customerId };
  const made = await manager?.<{ task: { id: string } }>(GIVE, { input });
  return made?.task.id ?? assert.fail("no task was made");
}

const phones = new Set<Phone>();
afterEach(async () => {
  for (const phone of phones) await phone.stop();
});

/** A phone: a client behind lines of its own, which can be cut. */
export class Phone {
  /** What requests go over. */
  readonly wire: Wire;
  /** What the socket goes over. */
  readonly line: Wire;
  readonly client: Client;
  readonly store: LocalStore;
  /** What the server told it, batch by batch. */
  readonly told: Changes[] = [];
  readonly troubles: unknown[] = [];
  credentials: Credentials;

  private constructor(wire: Wire, line: Wire, store: LocalStore, credentials: Credentials, options: Partial<Options>) {
    this.wire = wire;
    this.line = line;
    this.store = store;
    this.credentials = credentials;
    this.client = new Client({
      url: `http://127.0.0.1:${wire.port}/graphql`,
      socketUrl: `ws://127.0.0.1:${line.port}/graphql`,
      store,
      credentials,
      onCredentials: (fresh) => void (this.credentials = fresh),
      webSocketImpl: NodeSocket,
      pace: QUICK,
      onChange: (changes) => changes && this.told.push(changes),
      onTrouble: (trouble) => this.troubles.push(trouble),
      ...options,
    });
  }

  /** A phone that somebody is signed in on; not started yet. */
  static async of(
    world: World,
    number: string,
    { store = new MemoryStore(), credentials, ...options }: Partial<Options> = {},
  ): Promise<Phone> {
    const [wire, line] = [await Wire.to(PORT), await Wire.to(PORT)];
    const phone = new Phone(wire, line, store, credentials ?? (await signedIn(world, number)), options);
    phones.add(phone);
    return phone;
  }

  /** Begin, and be over when the copy is whole and fresh. */
  async start(): Promise<this> {
    this.client.start();
    await this.live();
    return this;
  }

  async live(): Promise<void> {
    await until(
      () => this.client.status === "LIVE",
      () => `${this.client.status} ${String(this.troubles.at(-1))}`,
    );
  }

  /** The net is gone. */
  off(): void {
    this.wire.off();
    this.line.off();
  }

  on(): void {
    this.wire.on();
    this.line.on();
  }

  cut(): void {
    this.wire.cut();
    this.line.cut();
  }

  async stop(): Promise<void> {
    if (!phones.delete(this)) return;
    await this.client.stop();
    await this.wire.close();
    await this.line.close();
  }

  /** All rows as the server would tell them to a new phone of the same person. */
  async afresh(): Promise<Row[]> {
    const rows: Row[] = [];
    let after: string | null = null;
    do {
      const { snapshot }: SnapshotAnswer = await this.client.ask<SnapshotAnswer>(SNAPSHOT, { after, first: 500 });
      rows.push(...snapshot.items);
      after = snapshot.next;
    } while (after !== null);
    return rows;
  }

  /** Where the copy differs from what a new phone would get: missing, too much, or of another state. */
  async differences(): Promise<string[]> {
    const [mine, theirs] = [byKey(await this.store.rows()), byKey(await this.afresh())];
    const keys = new Set([...mine.keys(), ...theirs.keys()]);
    const wrong = [...keys].filter((key) => mine.get(key) !== theirs.get(key));
    return wrong.map((key) => `${key}: ${mine.get(key)} instead of ${theirs.get(key)}`);
  }

  /** Be over when the copy has come as far as the server was when this was asked. */
  async caughtUp(): Promise<void> {
    const { changes } = await this.client.ask<{ changes: { places: Place[] } }>(NOW, {});
    await until(async () => hasReached((await this.store.standing())?.places ?? [], changes.places, false));
  }

  /** Be over when everything that was done is answered, and the copy holds it; what was refused may be left. */
  async settled(): Promise<void> {
    let left: Action[] = [];
    await until(
      async () => (left = (await this.client.actions()).filter(({ state }) => state !== "REFUSED")).length === 0,
      () => JSON.stringify([left, this.client.status, this.told.at(-1)?.places, String(this.troubles.at(-1))], null, 1),
    );
  }

  /** Catch up, and then hold what a new phone would get. */
  async same(): Promise<void> {
    await this.caughtUp();
    assert.deepEqual(await this.differences(), []);
  }
}

function byKey(rows: Row[]): Map<string, string> {
  return new Map(rows.map((row) => [`${row.entityType} ${row.id}`, JSON.stringify(comparable(row))]));
}

/**
 * What must be the same however a copy came about. A closed task stays with whoever carried it out, and names the
 * customer only if they were in sight when the task was told: nobody tells it again because a customer comes or goes.
 */
function comparable({ version, relationshipId, node }: Row): unknown {
  if (node.__typename !== "Task" || node.taskState === "PENDING") return [version, relationshipId, node];
  return [version, relationshipId, { ...node, customer: null, relationship: null }];
}

/** Be over when something has come true; fails after a while, with what it looks like instead. */
export async function until(
  isTrue: () => boolean | Promise<boolean>,
  instead: () => string = () => "it never came true",
  patience = 30_000,
): Promise<void> {
  const end = Date.now() + patience;
  while (!(await isTrue())) {
    if (Date.now() > end) throw new Error(instead());
    await pause(10);
  }
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Random numbers that come again with the same seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function needed(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`These tests need a server: run make test ARGS="-k typescript".`);
  return value;
}

/** A copy that is fetched, kept and fetched anew holds what the server holds, whatever happens to the line. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryStore, type Post, fetchPost } from "../../src/index.ts";
import { kinds, mutations } from "../../src/documents.ts";
import type { Batch, LocalStore } from "../../src/store.ts";
import { Phone, desk, expiring, giveTask, newEpoch, newWorld, pause, theWorld, until } from "../stage.ts";

const LISTS = `query Lists { result: viewer { id }
  tasks(first: 100) { edges { node { id version } } }
  customers(first: 100) { edges { node { id version relationships { id version } } } }
  orders(first: 100) { edges { node { id version } } } }`;

interface Lists {
  tasks: List;
  customers: List;
  orders: List;
}
type Node = { id: string; version: number; relationships?: Node[] };
type List = { edges: Array<{ node: Node }> };

test("a phone that starts empty holds what the lists say", async () => {
  const world = await theWorld();
  const phone = await (await Phone.of(world, world.guide, { pageSize: 3 })).start();

  const lists = await phone.client.ask<Lists>(LISTS, {});
  const nodes = (list: List): Node[] => list.edges.map(({ node }) => node);
  for (const [kind, listed] of [
    ["TASK", nodes(lists.tasks)],
    ["CUSTOMER", nodes(lists.customers)],
    ["ORDER", nodes(lists.orders)],
    ["RELATIONSHIP", nodes(lists.customers).flatMap(({ relationships = [] }) => relationships)],
  ] as const) {
    const versions = (rows: Node[]): string[] => rows.map(({ id, version }) => `${id} ${version}`).sort();
    assert.ok(listed.length >= 2, `${kind}: ${listed.length}`);
    assert.deepEqual(versions(await phone.client.rows(kind)), versions(listed));
  }
  await phone.same();
});

test("what changes arrives while the phone listens", async () => {
  const world = await theWorld();
  const phone = await (await Phone.of(world, world.guide)).start();

  const id = await giveTask(world, "送新品册");

  await until(() => toldOf(phone, [id]).length > 0);
  const [row] = (await phone.client.rows("TASK")).filter((each) => each.id === id);
  assert.equal(row?.node.title, "送新品册");
  await phone.same();
});

/** Give the guide a dozen tasks while the line of their phone is cut again and again; gives the phone and the tasks. */
async function cutAgainAndAgain(store: LocalStore): Promise<[Phone, string[]]> {
  const world = await theWorld();
  const phone = await (await Phone.of(world, world.guide, { store })).start();
  const given: string[] = [];
  for (let number = 0; number < 12; number++) {
    if (number % 3 === 0) phone.cut();
    given.push(await giveTask(world, `第${number}件事`));
    if (number % 5 === 0) phone.line.cut();
  }
  await phone.caughtUp();
  return [phone, given];
}

/** What a phone was told of these things, in order. */
function toldOf(phone: Phone, ids: string[]): string[] {
  const told = phone.told.flatMap(({ changes }) => changes.map(({ id }) => id));
  return told.filter((id) => ids.includes(id));
}

test("a phone whose line is cut again and again misses nothing and is told nothing twice", async () => {
  const [phone, given] = await cutAgainAndAgain(new MemoryStore());
  assert.deepEqual(toldOf(phone, given), given);
  assert.deepEqual(await phone.differences(), []);
});

/** Keeps where it stands, but not always what brought it there. */
class LossyStore extends MemoryStore {
  private batches = 0;

  override async apply(batch: Batch, cursor: string): Promise<void> {
    const isLost = batch.changes.length > 0 && ++this.batches % 2 === 1;
    await super.apply(isLost ? { ...batch, changes: [] } : batch, cursor);
  }
}

test("a store that kept the cursor but not the rows would be noticed", async () => {
  const [phone] = await cutAgainAndAgain(new LossyStore());
  assert.notDeepEqual(await phone.differences(), []);
});

test("a line that dies without a word is noticed and made anew", async () => {
  const world = await theWorld();
  const phone = await (await Phone.of(world, world.guide)).start();

  phone.line.freeze();
  const id = await giveTask(world, "回电");

  await until(() => toldOf(phone, [id]).length > 0);
  await phone.same();
});

test("an app that is opened again goes on from where it was, without a new copy", async () => {
  const world = await theWorld();
  const store = new MemoryStore();
  await (await (await Phone.of(world, world.guide, { store })).start()).stop();

  const id = await giveTask(world, "补货通知");
  const again = await (await Phone.of(world, world.guide, { store })).start();

  assert.deepEqual(
    again.told.flatMap(({ changes }) => changes.map((change) => change.id)),
    [id],
  );
  assert.equal(again.wire.count("query Snapshot"), 0);
  await again.same();
});

test("a first copy that is interrupted goes on with the page that was missing", async () => {
  const world = await theWorld();
  const store = new MemoryStore();
  const gate = new Gate(2);
  const first = await Phone.of(world, world.guide, { store, pageSize: 4, post: gate.post });
  first.client.start();
  await gate.reached;
  assert.deepEqual(await first.client.rows("TASK"), [], "a half copy is not to be read");
  gate.fail();
  await first.stop();

  const again = await Phone.of(world, world.guide, { store, pageSize: 4 });
  await again.start();

  assert.equal(again.wire.count('"after":null'), 0, "it began with the first page again");
  await again.same();
});

test("after a new epoch everything is fetched anew, and the old copy is read meanwhile", async () => {
  const world = await theWorld();
  const gate = new Gate(Infinity);
  const phone = await (await Phone.of(world, world.guide, { pageSize: 4, post: gate.post })).start();
  const before = await phone.store.rows();

  gate.closeAfter(1);
  await newEpoch(world);
  await gate.reached;
  const id = await giveTask(world, "新一轮");
  assert.equal(phone.client.status, "COPYING");
  assert.deepEqual(await phone.store.rows(), before);
  gate.open();

  await until(() => phone.client.status === "LIVE");
  await phone.same();
  assert.ok((await phone.client.rows("TASK")).some((row) => row.id === id));
});

test("when the token expires the phone gets another one and goes on", async () => {
  const world = await theWorld();
  const credentials = await expiring(world, world.guide, 2);
  const phone = await (await Phone.of(world, world.guide, { credentials })).start();

  await until(() => phone.credentials.accessToken !== credentials.accessToken);
  const id = await giveTask(world, "新令牌");
  await until(() => toldOf(phone, [id]).length > 0);

  assert.notEqual(phone.credentials.refreshToken, credentials.refreshToken);
  assert.equal(phone.wire.count("mutation Refresh"), 1);
  await phone.same();
});

test("when the sign-in is over the phone stops asking and keeps what it has", async () => {
  const world = await theWorld();
  const phone = await (await Phone.of(world, world.guide)).start();
  const rows = await phone.store.rows();

  await phone.client.ask("mutation SignOut { signOut { __typename } }", {});
  await until(() => phone.client.status === "SIGNED_OUT");
  const asked = (): number => phone.wire.count("POST /graphql") + phone.line.count("GET /graphql");
  const before = asked();
  await pause(300);

  assert.equal(asked(), before);
  assert.deepEqual(await phone.store.rows(), rows);
});

/** Give a customer of one guide to the other; gives their phones, and what the customer's relationship is. */
async function givenAway(store: LocalStore): Promise<{ old: Phone; other: Phone; relationshipId: string }> {
  const world = await newWorld();
  const manager = await desk(world);
  await manager(mutations.addNote, { customerId: world.customers[0], body: "喜欢靛蓝" });
  const [old, other] = [await Phone.of(world, world.guide, { store }), await Phone.of(world, world.otherGuide)];
  await Promise.all([old.start(), other.start()]);
  const rows = await old.client.rows("RELATIONSHIP");
  const relationship = rows.find(({ node }) => node.customer?.id === world.customers[0]);
  assert.ok(relationship);

  await manager(mutations.reassignRelationship, { id: relationship.id, toAccountId: world.accounts[1] });
  await Promise.all([old.caughtUp(), other.caughtUp()]);
  return { old, other, relationshipId: relationship.id };
}

test("a customer who is given away leaves one phone with all that belongs to them, and comes to the other", async () => {
  const { old, other, relationshipId } = await givenAway(new MemoryStore());
  const belonging = async (phone: Phone): Promise<string[]> => {
    const rows = await phone.store.rows();
    const found = rows.filter(({ node }) => "relationship" in node && node.relationship?.id === relationshipId);
    return found.map(({ entityType }) => entityType).sort();
  };
  assert.deepEqual(await belonging(old), []);
  assert.deepEqual(await belonging(other), ["NOTE", "ORDER", "TASK"]);
  for (const phone of [old, other]) assert.deepEqual(await phone.differences(), []);
});

/** Doesn't know that a relationship takes others with it. */
class ClingingStore extends MemoryStore {
  override async apply(batch: Batch, cursor: string): Promise<void> {
    const changes = batch.changes.filter(({ op, entityType }) => op === "PUT" || entityType !== "RELATIONSHIP");
    await super.apply({ ...batch, changes }, cursor);
  }
}

test("a store that kept what belongs to a customer who has left would be noticed", async () => {
  const { old } = await givenAway(new ClingingStore());
  assert.ok((await old.differences()).some((difference) => difference.startsWith("NOTE ")));
});

test("what goes wrong in the app is told to it, and disturbs nothing", async () => {
  const world = await theWorld();
  const onChange = (): never => assert.fail("a bug of the app's");
  const phone = await (await Phone.of(world, world.guide, { onChange })).start();
  await giveTask(world, "盘点");
  await phone.same();
  assert.ok(phone.troubles.length >= 2);
  assert.ok(phone.troubles.every((trouble) => String(trouble).includes("a bug of the app's")));
  assert.equal(phone.line.count("GET /graphql"), 1);
});

test("what a client has never heard of it steps over", async () => {
  const world = await theWorld();
  const known = kinds as Set<string>;
  known.delete("TASK");
  try {
    const phone = await (await Phone.of(world, world.guide)).start();
    const heard = phone.told.length;
    await giveTask(world, "不认识的事");
    await until(() => phone.told.length > heard);

    assert.deepEqual(await phone.client.rows("TASK"), []);
    assert.ok((await phone.client.rows("ORDER")).length >= 2);
    await phone.stop();
  } finally {
    known.add("TASK");
  }
});

/** Lets so many pages of a snapshot through, and holds the next. */
class Gate {
  reached: Promise<void> = Promise.resolve();
  private left: number;
  private arrive = (): void => undefined;
  private pass = (): void => undefined;
  private refuse = (): void => undefined;

  constructor(pages: number) {
    this.left = pages;
    this.closeAfter(pages);
  }

  closeAfter(pages: number): void {
    this.left = pages;
    this.reached = new Promise((resolve) => (this.arrive = resolve));
  }

  open(): void {
    this.left = Infinity;
    this.pass();
  }

  /** The net is gone while the page is on its way. */
  fail(): void {
    this.refuse();
  }

  readonly post: Post = async (url, headers, body) => {
    if (body.includes("query Snapshot") && this.left-- <= 0) {
      this.arrive();
      await new Promise<void>((resolve, reject) => {
        this.pass = resolve;
        this.refuse = () => reject(new Error("no net"));
      });
    }
    return fetchPost()(url, headers, body);
  };
}

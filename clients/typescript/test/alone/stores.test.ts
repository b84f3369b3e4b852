/** Every store keeps the same promises. */

import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { test } from "node:test";
import { IndexedStore, MemoryStore } from "../../src/index.ts";
import { newAction } from "../../src/actions.ts";
import type { Batch, Change, LocalStore, Page, Row } from "../../src/store.ts";
import type { EntityType } from "../../src/types.ts";

let databases = 0;
const STORES: Record<string, () => Promise<LocalStore>> = {
  MemoryStore: async () => new MemoryStore(),
  IndexedStore: () => IndexedStore.open(`test ${++databases}`),
};

function row(entityType: EntityType, id: string, version = 1, relationshipId: string | null = null): Row {
  const node = {
    __typename: "TagGroup",
    id,
    version,
    name: `${id} in its version ${version}`,
    choice: "MULTI",
  } as const;
  return { entityType, id, version, relationshipId, node };
}

const put = (told: Row): Change => ({ op: "PUT", ...told });
const del = (entityType: EntityType, id: string): Change => ({
  op: "DEL",
  entityType,
  id,
  version: 9,
  relationshipId: null,
  node: null,
});
const batch = (...changes: Change[]): Batch => ({ changes, places: [{ feed: "f", seq: changes.length }] });
const page = (items: Row[], next: string | null = null, cursor = "c0"): Page => ({ items, next, cursor, places: [] });

async function held(store: LocalStore): Promise<string[]> {
  return (await store.rows()).map(({ entityType, id, version }) => `${entityType} ${id} ${version}`).sort();
}

for (const [name, open] of Object.entries(STORES)) {
  const started = async (...rows: Row[]): Promise<LocalStore> => {
    const store = await open();
    await store.stage(page(rows), "shape");
    return store;
  };

  test(`${name}: is empty and stands nowhere at first, and takes no changes`, async () => {
    const store = await open();
    assert.deepEqual([await held(store), await store.standing(), await store.staging()], [[], null, null]);
    await assert.rejects(store.apply(batch(put(row("TASK", "t"))), "c1"), /no copy yet/);
    assert.deepEqual([await held(store), await store.standing()], [[], null]);
  });

  test(`${name}: takes rows and cursor in together, and gives rows by their kind`, async () => {
    const store = await started(row("TASK", "t"), row("TAG", "g"), row("TAG_GROUP", "g"));
    await store.apply(batch(put(row("TASK", "t", 2)), put(row("NOTE", "n"))), "c1");

    assert.deepEqual(await held(store), ["NOTE n 1", "TAG g 1", "TAG_GROUP g 1", "TASK t 2"]);
    assert.deepEqual(await store.rows("TAG"), [row("TAG", "g")]);
    assert.deepEqual(await store.standing(), { cursor: "c1", places: [{ feed: "f", seq: 2 }], shape: "shape" });
  });

  test(`${name}: lets no older row take the place of a newer one`, async () => {
    const store = await started(row("TASK", "t", 3));
    await store.apply(batch(put(row("TASK", "t", 2))), "c1");
    assert.deepEqual(await held(store), ["TASK t 3"]);
  });

  test(`${name}: forgets what is taken away, and with a relationship what belongs to it`, async () => {
    const store = await started(
      row("RELATIONSHIP", "r"),
      row("RELATIONSHIP", "s"),
      row("NOTE", "n", 1, "r"),
      row("ORDER", "o", 1, "r"),
      row("ORDER", "p", 1, "s"),
      row("TASK", "r", 1),
    );
    await store.apply(batch(del("RELATIONSHIP", "r"), del("VISIT", "never had")), "c1");
    assert.deepEqual(await held(store), ["ORDER p 1", "RELATIONSHIP s 1", "TASK r 1"]);

    await store.apply(batch(put(row("NOTE", "n", 1, "r")), put(row("RELATIONSHIP", "r"))), "c2");
    assert.ok((await held(store)).includes("NOTE n 1"), "what comes back is taken in again");
  });

  test(`${name}: shows nothing of a copy before it is whole, and nothing of the old one after`, async () => {
    const store = await started(row("TASK", "old"));
    await store.stage(page([row("TASK", "new"), row("NOTE", "n", 2)], "p2", "c5"), "shape 2");
    await store.apply(batch(put(row("TASK", "old", 2))), "c1");
    assert.deepEqual(await held(store), ["TASK old 2"]);
    assert.deepEqual(await store.staging(), { next: "p2", cursor: "c5", places: [], shape: "shape 2" });

    await store.stage(page([row("NOTE", "n", 1)], null, "c5"), "shape 2");
    assert.deepEqual(await held(store), ["NOTE n 2", "TASK new 1"]);
    assert.deepEqual([(await store.standing())?.cursor, await store.staging()], ["c5", null]);
  });

  test(`${name}: forgets a copy that was put aside`, async () => {
    const store = await started(row("TASK", "old"));
    await store.stage(page([row("TASK", "half")], "p2"), "shape");
    await store.unstage();
    await store.stage(page([row("TASK", "new")]), "shape");
    assert.deepEqual(await held(store), ["TASK new 1"]);
  });

  test(`${name}: keeps what was done in its order, and through a new copy`, async () => {
    const store = await started();
    const [first, second] = [newAction("b", 1, "addNote", {}, []), newAction("a", 2, "addNote", {}, [])];
    await store.keep([second, first], []);
    await store.keep([{ ...first, isSent: true }], []);
    await store.stage(page([]), "shape");
    assert.deepEqual(await store.actions(), [{ ...first, isSent: true }, second]);

    await store.keep([], ["b", "never kept"]);
    assert.deepEqual(await store.actions(), [second]);
  });
}

test("IndexedStore: what fails in the middle leaves nothing behind", async () => {
  const store = await IndexedStore.open("failing");
  await store.stage(page([row("TASK", "t")]), "shape");
  const unkeepable = { ...row("NOTE", "n"), node: (() => undefined) as never };

  await assert.rejects(store.apply(batch(put(row("TASK", "t", 2)), put(unkeepable)), "c1"), { name: "DataCloneError" });

  assert.deepEqual([await held(store), (await store.standing())?.cursor], [["TASK t 1"], "c0"]);
});

test("IndexedStore: is there again when it is opened again", async () => {
  const store = await IndexedStore.open("lasting");
  await store.stage(page([row("TASK", "t")]), "shape");
  store.close();
  assert.deepEqual(await held(await IndexedStore.open("lasting")), ["TASK t 1"]);
});

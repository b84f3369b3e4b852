/** Many random changes and cuts: in the end every phone holds what a new one would be told. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { mutations } from "../../src/documents.ts";
import { type Desk, Phone, TOMORROW, type World, desk, newEpoch, newWorld, seeded } from "../stage.ts";

const CHANGES = 200;

type Random = () => number;

function oneOf<Thing>(random: Random, things: readonly Thing[]): Thing {
  const found = things[Math.floor(random() * things.length)];
  assert.ok(found !== undefined);
  return found;
}

/** Something that a manager may do at any time; what has gone or was done already is refused, and that is fine. */
async function change(random: Random, world: World, manager: Desk, known: { tasks: string[] }): Promise<void> {
  const customerId = oneOf(random, world.customers);
  const text = `第${Math.floor(random() * 1000)}号`;
  const kind = random();
  if (kind < 0.3 || known.tasks.length === 0) {
    const input = { title: text, dueAt: TOMORROW, kind: "REVISIT", customerId };
    known.tasks.push((await manager<{ task: { id: string } }>(mutations.createTask, { input })).task.id);
  } else if (kind < 0.5) {
    await manager(mutations.completeTask, { id: oneOf(random, known.tasks), remark: text });
  } else if (kind < 0.6) {
    await manager(mutations.addNote, { customerId, body: text });
  } else if (kind < 0.7) {
    await manager(mutations.noteVisit, { customerId, remark: text });
  } else if (kind < 0.8) {
    await manager(mutations.editRemark, { customerId, remark: text });
  } else if (kind < 0.9) {
    const tags = { customerIds: [customerId], tagIds: [oneOf(random, world.tags)] };
    await manager(random() < 0.6 ? mutations.addTags : mutations.removeTags, tags);
  } else {
    const document = "query Held($id: ID!) { result: customer(id: $id) { relationships { id } } }";
    const { relationships } = await manager<{ relationships: Array<{ id: string }> }>(document, { id: customerId });
    const variables = { id: relationships[0]?.id, toAccountId: oneOf(random, world.accounts) };
    await manager(mutations.reassignRelationship, variables);
  }
}

/** What a phone's owner does by themselves, online or not. */
async function act(random: Random, phone: Phone): Promise<void> {
  const [task] = await phone.client.rows("TASK");
  if (task !== undefined && random() < 0.5) {
    await phone.client.act("completeTask", { id: task.id, expectedVersion: task.version });
  } else {
    await phone.client.act("createTask", { input: { title: `自己的${Math.floor(random() * 1000)}`, dueAt: TOMORROW } });
  }
}

/** Let things happen with phones that lose their lines. */
async function storm(random: Random, world: World, phones: Phone[], changes: number): Promise<void> {
  const manager = await desk(world);
  const known = { tasks: [] };
  for (let number = 0; number < changes; number++) {
    const phone = oneOf(random, phones);
    if (random() < 0.1) phone.cut();
    if (random() < 0.03) phone.off();
    if (random() < 0.1) await act(random, phone);
    if (random() < 0.01) await newEpoch(world);
    await change(random, world, manager, known);
    if (random() < 0.2) for (const each of phones) each.on();
  }
  for (const phone of phones) phone.on();
}

test(`after ${CHANGES} random changes and random cuts every phone holds what the server holds`, async (context) => {
  const seed = Number(process.env["DAOGOU_SEED"] ?? Math.floor(Math.random() * 2 ** 32));
  context.diagnostic(`DAOGOU_SEED=${seed}`);
  const random = seeded(seed);
  const world = await newWorld();
  const people = [world.guide, world.manager];
  const phones = await Promise.all(people.map((number) => Phone.of(world, number, { pageSize: 50 })));
  await Promise.all(phones.map((phone) => phone.start()));

  await storm(random, world, phones, CHANGES);

  for (const phone of phones) await phone.settled();
  for (const phone of phones) await phone.same();
});

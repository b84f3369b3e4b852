/** Many random changes and cuts: in the end every phone holds what a new one would be told. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Desk, Phone, TOMORROW, type World, desk, doing, giveTask, newEpoch, newWorld, seeded } from "../stage.ts";

const CHANGES = 200;

type Random = () => number;

function oneOf<Thing>(random: Random, things: readonly Thing[]): Thing {
  const found = things[Math.floor(random() * things.length)];
  assert.ok(found !== undefined);
  return found;
}

const COMPLETE = doing("completeTask", "$id: ID!, $remark: String");
const NOTE = doing("addNote", "$customerId: ID!, $body: String!");
const VISIT = doing("noteVisit", "$customerId: ID!, $remark: String");
const REMARK = doing("editRemark", "$customerId: ID!, $remark: String");
const TAG = doing("addTags", "$customerIds: [ID!]!, $tagIds: [ID!]!");
const UNTAG = doing("removeTags", "$customerIds: [ID!]!, $tagIds: [ID!]!");
const REASSIGN = doing("reassignRelationship", "$id: ID!, $toAccountId: ID!");
const HELD = "query ($id: ID!) { result: customer(id: $id) { relationships { id } } }";

/** Something that a manager may do at any time; gives what came of it. */
async function change(random: Random, world: World, manager: Desk, tasks: string[]): Promise<string> {
  const customerId = oneOf(random, world.customers);
  const text = `第${Math.floor(random() * 1000)}号`;
  const done = async (document: string, variables: object): Promise<string> =>
    (await manager<{ __typename: string }>(document, variables)).__typename;
  const kind = random();
  if (kind < 0.3 || tasks.length === 0) return `Task ${tasks.push(await giveTask(world, text, customerId))}`;
  if (kind < 0.5) return done(COMPLETE, { id: oneOf(random, tasks), remark: text });
  if (kind < 0.6) return done(NOTE, { customerId, body: text });
  if (kind < 0.7) return done(VISIT, { customerId, remark: text });
  if (kind < 0.8) return done(REMARK, { customerId, remark: text });
  const tags = { customerIds: [customerId], tagIds: [oneOf(random, world.tags)] };
  if (kind < 0.9) return done(random() < 0.6 ? TAG : UNTAG, tags);
  const { relationships } = await manager<{ relationships: Array<{ id: string }> }>(HELD, { id: customerId });
  return done(REASSIGN, { id: relationships[0]?.id, toAccountId: oneOf(random, world.accounts) });
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

/** Let things happen with phones that lose their lines; gives how many did happen. */
async function storm(random: Random, world: World, phones: Phone[], changes: number): Promise<number> {
  const manager = await desk(world);
  const tasks: string[] = [];
  let happened = 0;
  for (let number = 0; number < changes; number++) {
    const phone = oneOf(random, phones);
    if (random() < 0.1) phone.cut();
    if (random() < 0.03) phone.off();
    if (random() < 0.1) await act(random, phone);
    if (random() < 0.01) await newEpoch(world);
    // What was done already is refused, and that is fine.
    if ((await change(random, world, manager, tasks)) !== "Problem") happened++;
    if (random() < 0.2) for (const each of phones) each.on();
  }
  for (const phone of phones) phone.on();
  return happened;
}

test(`after ${CHANGES} random changes and random cuts every phone holds what the server holds`, async (context) => {
  const seed = Number(process.env["DAOGOU_SEED"] ?? Math.floor(Math.random() * 2 ** 32));
  context.diagnostic(`DAOGOU_SEED=${seed}`);
  const random = seeded(seed);
  const world = await newWorld();
  const people = [world.guide, world.manager];
  const phones = await Promise.all(people.map((number) => Phone.of(world, number, { pageSize: 50 })));
  await Promise.all(phones.map((phone) => phone.start()));

  const happened = await storm(random, world, phones, CHANGES);
  assert.ok(happened > CHANGES / 2, `only ${happened} happened`);

  for (const phone of phones) await phone.settled();
  for (const phone of phones) await phone.same();
});

/** What a person does happens once and in order, and is seen from the moment they did it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Action, MemoryStore, type Problem } from "../../src/index.ts";
import { mutations } from "../../src/documents.ts";
import type { LocalStore } from "../../src/store.ts";
import { Phone, TOMORROW, type World, desk, giveTask, pause, theWorld, until } from "../stage.ts";

const TASKS = `{ tasks(first: 100) { edges { node { title } } } }`;

interface Tasks {
  tasks: { edges: Array<{ node: { title: string } }> };
}

/** How often there is a task of this title, by what the server says. */
async function count(phone: Phone, title: string): Promise<number> {
  const { tasks } = await phone.client.ask<Tasks>(TASKS, {});
  return tasks.edges.filter(({ node }) => node.title === title).length;
}

function todo(phone: Phone, title: string): Promise<string> {
  return phone.client.act("createTask", { input: { title, dueAt: TOMORROW } });
}

/** Do something whose answer is lost on the way; gives how often it happened. */
async function effectsOfALostAnswer(world: World, store: LocalStore): Promise<number> {
  const title = `整理橱窗 ${store.constructor.name}`;
  const phone = await (await Phone.of(world, world.guide, { store })).start();
  phone.wire.loseAnswerTo("mutation CreateTask");
  await todo(phone, title);
  await phone.settled();
  assert.ok(phone.wire.count("mutation CreateTask") >= 2, "nothing was sent again");
  return count(phone, title);
}

/** A store that forgets under which key a thing was done. */
class KeyLosingStore extends MemoryStore {
  private tries = 0;
  private readonly first = new Map<string, string>();

  override async actions(): Promise<Action[]> {
    return (await super.actions()).map((action) => {
      const key = `${action.key}-${++this.tries}`;
      this.first.set(key, action.key);
      return { ...action, key };
    });
  }

  override async keep(actions: Action[], drop: string[]): Promise<void> {
    const known = (key: string): string => this.first.get(key) ?? key;
    await super.keep(
      actions.map((action) => ({ ...action, key: known(action.key) })),
      drop.map(known),
    );
  }
}

test("a lost answer is asked for again, and the thing is done once", async () => {
  const world = await theWorld();
  assert.equal(await effectsOfALostAnswer(world, new MemoryStore()), 1);
});

test("a store that lost the keys would be noticed", async () => {
  const world = await theWorld();
  assert.ok((await effectsOfALostAnswer(world, new KeyLosingStore())) > 1);
});

test("what is done without a net happens in order, even if the app is closed before there is one", async () => {
  const world = await theWorld();
  const store = new MemoryStore();
  const phone = await (await Phone.of(world, world.guide, { store })).start();
  phone.off();
  const titles = ["第一件", "第二件", "第三件"];
  for (const title of titles) await todo(phone, title);
  await pause(100);
  await phone.stop();
  assert.equal((await store.actions()).length, 3);

  const again = await (await Phone.of(world, world.guide, { store })).start();
  await again.settled();

  const told = again.told.flatMap(({ changes }) => changes.map(({ node }) => node));
  const made = told.flatMap((node) => (node?.__typename === "Task" ? [node.title] : []));
  assert.deepEqual(made, titles);
  for (const title of titles) assert.equal(await count(again, title), 1);
  await again.same();
});

/** A phone without a net, and a task that is on it. */
async function offline(world: World, told: Array<[Action, Problem]> = []) {
  const onProblem = (action: Action, problem: Problem): unknown => told.push([action, problem]);
  const phone = await Phone.of(world, world.guide, { onProblem });
  await phone.start();
  const given = await giveTask(world, "回访");
  await phone.caughtUp();
  const task = (await phone.client.rows("TASK")).find(({ id }) => id === given);
  assert.ok(task);
  phone.off();
  return { phone, task };
}

test("a conflict is handed to the app with the thing as it is now", async () => {
  const world = await theWorld();
  const told: Array<[Action, Problem]> = [];
  const { phone, task } = await offline(world, told);
  const manager = await desk(world);
  await manager(mutations.snoozeTask, { id: task.id, until: TOMORROW });

  const variables = { id: task.id, outcome: "REACHED", expectedVersion: task.version } as const;
  const guess = { ...task, node: { ...task.node, taskState: "DONE" as const } };
  const key = await phone.client.act("completeTask", variables, [guess]);
  const seen = async () => (await phone.client.rows("TASK")).find(({ id }) => id === task.id)?.node;
  assert.equal((await seen())?.taskState, "DONE");
  phone.on();
  await until(() => told.length > 0);

  const [[action, problem] = assert.fail()] = told;
  assert.equal(action.key, key);
  assert.equal(problem.code, "STALE_VERSION");
  assert.ok(problem.current?.__typename === "Task");
  assert.deepEqual([problem.current.id, problem.current.version], [task.id, task.version + 1]);
  assert.equal(problem.current.snoozedUntil, TOMORROW);
  await phone.live();
  assert.deepEqual(await seen(), problem.current, "the guess is gone");
  await phone.same();

  assert.deepEqual(
    (await phone.client.problems()).map((each) => each.key),
    [key],
  );
  await phone.client.forget(key);
  assert.deepEqual(await phone.client.actions(), []);
});

test("who changes a thing twice while offline is in nobody's way", async () => {
  const world = await theWorld();
  const told: Array<[Action, Problem]> = [];
  const { phone, task } = await offline(world, told);

  await phone.client.act("snoozeTask", { id: task.id, until: TOMORROW, expectedVersion: task.version });
  await phone.client.act("completeTask", { id: task.id, expectedVersion: task.version });
  phone.on();
  await phone.settled();

  assert.deepEqual(told, []);
  const [now] = (await phone.client.rows("TASK")).filter(({ id }) => id === task.id);
  assert.deepEqual([now?.node.taskState, now?.version], ["DONE", task.version + 2]);
  await phone.same();
});

test("what was done is seen until the copy holds it by itself, and not longer", async () => {
  const world = await theWorld();
  const { phone, task } = await offline(world);
  const seen = async () => (await phone.client.rows("TASK")).find(({ id }) => id === task.id)?.node.taskState;
  const kept = async () => (await phone.store.rows("TASK")).find(({ id }) => id === task.id)?.version;

  phone.wire.on();
  await phone.client.act("completeTask", { id: task.id, expectedVersion: task.version });
  await until(async () => (await phone.client.actions())[0]?.state === "DONE");
  assert.deepEqual([await seen(), await kept()], ["DONE", task.version], "the copy was ahead of the stream");

  phone.line.on();
  await phone.settled();
  assert.deepEqual([await seen(), await kept()], ["DONE", task.version + 1]);
});

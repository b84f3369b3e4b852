/** The adapters for mini programs, with a `wx` that is made of what Node has. */

import assert from "node:assert/strict";
import { test } from "node:test";
import WebSocket from "ws";
import { MemoryStore, type SocketTask, type WeChat, weChatPost, weChatSocket } from "../../src/index.ts";
import { Phone, expiring, giveTask, theWorld, until } from "../stage.ts";

/** Behaves as WeChat's documents say: callbacks only, and an error is followed by a close. */
const wx: WeChat = {
  request({ url, method, header, data, success, fail }) {
    fetch(url, { method, headers: header, body: data }).then(
      async (answer) => success({ statusCode: answer.status, data: await answer.text() }),
      (problem: Error) => fail({ errMsg: `request:fail ${problem.message}` }),
    );
  },
  connectSocket({ url, protocols }): SocketTask {
    const socket = new WebSocket(url, protocols);
    return {
      send: ({ data }) => socket.send(data),
      close: ({ code, reason }) => socket.close(code, reason),
      onOpen: (listener) => void socket.on("open", listener),
      onMessage: (listener) => void socket.on("message", (data) => listener({ data: String(data) })),
      onClose: (listener) => void socket.on("close", (code, reason) => listener({ code, reason: String(reason) })),
      onError: (listener) => void socket.on("error", ({ message }) => listener({ errMsg: message })),
    };
  },
};

test("a mini program's phone is kept up to date through cuts and an expired token", async () => {
  const world = await theWorld();
  const adapters = { post: weChatPost(wx), webSocketImpl: weChatSocket(wx) };
  const credentials = await expiring(world, world.guide, 1);
  const phone = await (await Phone.of(world, world.guide, { credentials, ...adapters })).start();

  for (const title of ["一", "二", "三"]) {
    await giveTask(world, title);
    await until(async () => (await phone.client.rows("TASK")).some(({ node }) => node.title === title));
    phone.off();
    await until(() => phone.client.status === "OFFLINE");
    phone.on();
    await phone.live();
  }

  await until(() => phone.wire.count("mutation Refresh") === 1);
  await phone.live();
  await phone.same();
});

test("a mini program that is opened without a net shows its copy, and is kept up to date once there is one", async () => {
  const world = await theWorld();
  const store = new MemoryStore();
  const options = { store, post: weChatPost(wx), webSocketImpl: weChatSocket(wx) };
  await (await (await Phone.of(world, world.guide, options)).start()).stop();

  const phone = await Phone.of(world, world.guide, options);
  phone.off();
  phone.client.start();
  await until(() => phone.client.status === "OFFLINE");
  assert.ok((await phone.client.rows("TASK")).length >= 2);
  await giveTask(world, "开门");
  phone.on();
  await phone.same();
});

/** The adapters for mini programs, with a `wx` that is made of what Node has. */

import { test } from "node:test";
import WebSocket from "ws";
import { type SocketTask, type WeChat, weChatPost, weChatSocket } from "../../src/index.ts";
import { Phone, expiring, giveTask, newWorld, until } from "../stage.ts";

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
  const world = await newWorld();
  const phone = await Phone.of(world, world.guide, {
    credentials: await expiring(world, world.guide, 1),
    post: weChatPost(wx),
    webSocketImpl: weChatSocket(wx),
  });
  await phone.start();

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

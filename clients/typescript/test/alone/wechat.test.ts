/** The socket for mini programs, callback by callback. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { type SocketTask, type WeChat, weChatPost, weChatSocket } from "../../src/index.ts";

interface Socket {
  readyState: number;
  onopen(): void;
  onmessage(event: { data: string }): void;
  onclose(event: { code: number; reason: string }): void;
  onerror(problem: unknown): void;
  send(data: string): void;
  close(code?: number, reason?: string): void;
}

/** A socket and the hands of WeChat; `told` is what the socket says and what WeChat is asked. */
function opened() {
  const told: unknown[] = [];
  const hands: Partial<Record<string, (event: never) => void>> = {};
  const task: SocketTask = {
    send: ({ data }) => told.push(["sent", data]),
    close: (how) => told.push(["closed", how]),
    onOpen: (listener) => (hands["open"] = listener),
    onMessage: (listener) => (hands["message"] = listener),
    onClose: (listener) => (hands["close"] = listener),
    onError: (listener) => (hands["error"] = listener),
  };
  const wx = { connectSocket: (asked: object) => (told.push(asked), task), request: () => undefined };
  const Made = weChatSocket(wx as WeChat) as new (url: string, protocol: string) => Socket;
  const socket = new Made("wss://shop.example/graphql", "graphql-transport-ws");
  const [{ url, protocols }] = told.splice(0) as [{ url: string; protocols: string[] }];
  assert.deepEqual([url, protocols], ["wss://shop.example/graphql", ["graphql-transport-ws"]]);
  socket.onopen = () => told.push("open");
  socket.onmessage = ({ data }) => told.push(data);
  socket.onclose = ({ code, reason }) => told.push([code, reason]);
  socket.onerror = (problem) => told.push(String(problem));
  return { socket, told, hand: (name: string, event: unknown) => hands[name]?.(event as never) };
}

test("it opens, speaks, hears and closes", () => {
  const { socket, told, hand } = opened();
  hand("open", {});
  socket.send("question");
  hand("message", { data: "answer" });
  assert.equal(socket.readyState, 1);
  socket.close(1000, "Normal Closure");
  socket.close(1000, "Normal Closure");
  assert.equal(socket.readyState, 2);
  hand("close", { code: 1000, reason: "" });
  assert.equal(socket.readyState, 3);
  const closing = ["closed", { code: 1000, reason: "Normal Closure" }];
  assert.deepEqual(told, ["open", ["sent", "question"], "answer", closing, [1000, ""]]);
});

test("an end is told once, whatever comes after it", () => {
  const { socket, told, hand } = opened();
  hand("error", { errMsg: "connectSocket:fail" });
  hand("close", { code: 1006, reason: "abnormal closure" });
  assert.deepEqual([told, socket.readyState], [["Error: connectSocket:fail"], 3]);
});

test("a request that fails is a reply that never came", async () => {
  const request: WeChat["request"] = ({ fail }) => fail({ errMsg: "request:fail timeout" });
  const post = weChatPost({ request, connectSocket: () => assert.fail() });
  await assert.rejects(post("https://shop.example/graphql", {}, "{}"), /request:fail timeout/);
});

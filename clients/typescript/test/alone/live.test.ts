/** The socket, against a server that does what a test tells it, also what a real one does only by accident. */

import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { type WebSocket, WebSocketServer } from "ws";
import { NotSignedIn, type Post } from "../../src/index.ts";
import { Line, LineClosed } from "../../src/live.ts";
import { Session } from "../../src/session.ts";
import type { Changes } from "../../src/store.ts";
import { NodeSocket } from "../wire.ts";

// Silence is long for a busy machine, on which the others would be taken for silent.
const PACE = { first: 1, longest: 5, ping: 50, silence: 5_000 };

interface Message {
  id: string;
  type: string;
  payload: { variables: { after: string }; Authorization: string };
}

/** What a server is to do with a message; `say` answers. */
type Script = (message: Message, say: (type: string, payload?: unknown) => void, socket: WebSocket) => void;

const offline: Post = () => Promise.reject(new Error("no net"));

/** A line to a server with a script; gives it and what the server heard. */
async function line(context: TestContext, script: Script, { post = offline, silence = PACE.silence } = {}) {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await new Promise((resolve) => server.once("listening", resolve));
  const heard: Message[] = [];
  server.on("connection", (socket) => {
    socket.on("message", (data) => {
      const message = JSON.parse(String(data)) as Message;
      heard.push(message);
      const say = (type: string, payload?: unknown): void =>
        socket.send(JSON.stringify({ id: message.id, type, payload }));
      if (message.type === "connection_init") socket.send(JSON.stringify({ type: "connection_ack" }));
      script(message, say, socket);
    });
  });
  const pace = { ...PACE, silence };
  const session = new Session(post, "", "zh", { accessToken: "old", refreshToken: "r" }, () => undefined);
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const made = new Line({
    url,
    session,
    pace,
    language: "zh",
    webSocketImpl: NodeSocket,
    onLost: () => undefined,
  });
  context.after(() => {
    made.close();
    for (const client of server.clients) client.terminate();
    server.close();
  });
  return { line: made, heard };
}

function told(cursor: string, mustRefetch = false): { data: { changes: Changes } } {
  return { data: { changes: { changes: [], mustRefetch, upToDate: true, cursor, places: [] } } };
}

const subscribed = (heard: Message[]): string[] =>
  heard.filter(({ type }) => type === "subscribe").map(({ payload }) => payload.variables.after);

test("a new connection goes on behind what was heard, even if it was not taken in yet", async (context) => {
  let lines = 0;
  const { line: made, heard } = await line(context, ({ type }, say, socket) => {
    if (type !== "subscribe") return;
    say("next", told(`c${++lines}`));
    if (lines < 3) setTimeout(() => socket.terminate(), 5);
    else say("complete");
  });
  const taken: string[] = [];
  await made.follow("c0", async ({ cursor }) => {
    await new Promise((resolve) => setTimeout(resolve, 30));
    taken.push(cursor);
  });
  assert.deepEqual(subscribed(heard), ["c0", "c1", "c2"]);
  assert.deepEqual(taken, ["c1", "c2", "c3"]);
});

test("a line that is cut right behind `mustRefetch` is not taken up again", async (context) => {
  const { line: made, heard } = await line(context, ({ type }, say, socket) => {
    if (type !== "subscribe") return;
    say("next", told("now", true));
    socket.terminate();
  });
  await made.follow("c0", async () => undefined);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(subscribed(heard), ["c0"]);
});

test("a line that was ended by both sides at once can be taken up again, and is made anew when it is cut", async (context) => {
  const { line: made, heard } = await line(context, ({ type, payload }, say, socket) => {
    if (type !== "subscribe") return;
    if (payload.variables.after === "lost") say("next", told("now", true));
    else if (subscribed(heard).at(-2) === payload.variables.after) say("next", told("again"));
    else return socket.terminate();
    say("complete");
  });
  for (const round of ["a", "b", "c"]) {
    const taken: string[] = [];
    const take = async ({ cursor }: Changes): Promise<void> => void taken.push(cursor);
    await made.follow("lost", take);
    await made.follow(round, take);
    assert.deepEqual(taken, ["now", "again"]);
  }
});

test("what can't be taken in ends it, and nothing behind it is taken in", async (context) => {
  const { line: made } = await line(context, ({ type }, say) => {
    if (type === "subscribe") for (const cursor of ["c1", "c2", "c3"]) say("next", told(cursor));
  });
  const taken: string[] = [];
  const full = async ({ cursor }: Changes): Promise<void> => {
    if (cursor === "c2") throw new Error("the disk is full");
    taken.push(cursor);
  };
  await assert.rejects(made.follow("c0", full), /the disk is full/);
  assert.deepEqual(taken, ["c1"]);
});

test("4403 brings a new token, and a sign-in that is over ends it", async (context) => {
  const answers = [
    { __typename: "SignedIn", accessToken: "new", refreshToken: "s" },
    { __typename: "Problem", code: "SIGN_IN_ENDED", message: "…" },
  ];
  const post: Post = async () => ({ status: 200, body: JSON.stringify({ data: { result: answers.shift() } }) });
  const refuse: Script = ({ type }, _say, socket) =>
    type === "subscribe" && socket.close(4403, "The token has expired");
  const { line: made, heard } = await line(context, refuse, { post });
  await assert.rejects(
    made.follow("c0", async () => undefined),
    NotSignedIn,
  );
  const shown = heard.flatMap(({ type, payload }) => (type === "connection_init" ? [payload.Authorization] : []));
  assert.deepEqual(shown, ["Bearer old", "Bearer new"]);
});

test("what the server calls a mistake of the client's is not tried again", async (context) => {
  const { line: made, heard } = await line(context, ({ type }, _say, socket) => {
    if (type === "subscribe") socket.close(4400, "Invalid message");
  });
  await assert.rejects(
    made.follow("c0", async () => undefined),
    (problem: LineClosed) => problem.code === 4400,
  );
  assert.equal(subscribed(heard).length, 1);
});

test("a refusal of the subscription has its code", async (context) => {
  const { line: made } = await line(context, ({ type }, say) => {
    if (type === "subscribe") say("error", [{ message: "…", extensions: { code: "FORBIDDEN" } }]);
  });
  await assert.rejects(
    made.follow("c0", async () => undefined),
    { code: "FORBIDDEN" },
  );
});

test("a server that says nothing is left for a new connection", async (context) => {
  let lines = 0;
  const script: Script = ({ type }, say) => {
    if (type === "subscribe" && ++lines === 2) say("complete");
  };
  const { line: made, heard } = await line(context, script, { silence: 200 });
  await made.follow("c0", async () => undefined);
  assert.ok(subscribed(heard).length >= 2);
});

test("`close` ends it at any moment, also while nobody answers", async (context) => {
  const { line: made } = await line(context, () => undefined);
  const following = made.follow("c0", async () => undefined);
  made.close();
  await following;
});

// GraphiQL for this server: signing in, operations over HTTP, subscriptions over a socket.
"use strict";

const ENDPOINT = "/graphql";
const EXAMPLE = `# 登录后按 Ctrl-Enter 运行。 Sign in, then press Ctrl-Enter.
query Workbench {
  viewer { role staff { name store { name } } }
  tasks(first: 5) { edges { node { title dueAt state } } }
}

# 数据一有变化就会送达。 What changes arrives by itself.
subscription Live {
  changes { upToDate mustRefetch changes { op entityType id version } }
}
`;

let tokens = JSON.parse(sessionStorage.getItem("daogou") || "null");

async function send(operation) {
  const headers = { "Content-Type": "application/json", Accept: "application/graphql-response+json, application/json" };
  if (tokens && !operation.anonymous) headers.Authorization = `Bearer ${tokens.accessToken}`;
  const { query, variables, operationName } = operation;
  const answer = await fetch(ENDPOINT, { method: "POST", headers, body: JSON.stringify({ query, variables, operationName }) });
  if (answer.status === 401 && tokens && !operation.again) {
    await renew();
    return send({ ...operation, again: true });
  }
  return answer.json();
}

const TOKENS = "... on SignedIn { accessToken refreshToken } ... on Problem { message }";

async function renew() {
  const { refreshToken } = tokens;
  remember(null);
  const query = `mutation ($refreshToken: String!) { refreshSession(refreshToken: $refreshToken) { ${TOKENS} } }`;
  const { data } = await send({ query, variables: { refreshToken }, anonymous: true });
  if (data?.refreshSession?.accessToken) remember(data.refreshSession);
  else say(data?.refreshSession?.message ?? "");
}

// One socket for each subscription: simple, and a page has few.
async function* follow({ query, variables, operationName }) {
  const waiting = [];
  let wake = () => {};
  const tell = (item) => { waiting.push(item); wake(); };
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}${ENDPOINT}`, "graphql-transport-ws");
  socket.onopen = () => {
    const payload = tokens ? { Authorization: `Bearer ${tokens.accessToken}` } : {};
    socket.send(JSON.stringify({ type: "connection_init", payload }));
  };
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    if (message.type === "connection_ack") {
      socket.send(JSON.stringify({ id: "1", type: "subscribe", payload: { query, variables, operationName } }));
    } else if (message.type === "ping") {
      socket.send(JSON.stringify({ type: "pong" }));
    } else if (message.type === "next") {
      tell({ value: message.payload });
    } else if (message.type === "error") {
      tell({ value: { errors: message.payload } });
      tell({ done: true });
    } else if (message.type === "complete") {
      tell({ done: true });
    }
  };
  socket.onclose = ({ code, reason }) => {
    if (code !== 1000) tell({ value: { errors: [{ message: `${code} ${reason}` }] } });
    tell({ done: true });
  };
  try {
    for (;;) {
      while (waiting.length === 0) await new Promise((resolve) => { wake = resolve; });
      const item = waiting.shift();
      if (item.done) return;
      yield item.value;
    }
  } finally {
    socket.close(1000);
  }
}

function fetcher(operation, { documentAST } = {}) {
  const definitions = (documentAST?.definitions ?? []).filter(({ kind }) => kind === "OperationDefinition");
  const chosen = definitions.find(({ name }) => name?.value === operation.operationName) ?? definitions[0];
  return chosen?.operation === "subscription" ? follow(operation) : send(operation);
}

const form = document.getElementById("sign-in");
const say = (text) => { document.getElementById("said").value = text; };

function remember(found, name = tokens?.name) {
  tokens = found && { accessToken: found.accessToken, refreshToken: found.refreshToken, name };
  sessionStorage.setItem("daogou", JSON.stringify(tokens));
  form.classList.toggle("signed-in", Boolean(tokens));
  document.getElementById("who").value = tokens?.name ?? "";
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const variables = Object.fromEntries(new FormData(form));
  const query = `mutation ($brand: String!, $number: String!, $password: String!) {
    signIn(brand: $brand, number: $number, password: $password) { ${TOKENS} }
  }`;
  const { data, errors } = await send({ query, variables, anonymous: true });
  if (data?.signIn?.accessToken) {
    remember(data.signIn, `${variables.brand} / ${variables.number}`);
    form.elements.password.value = "";
    say("");
  } else {
    say(data?.signIn?.message ?? errors?.[0]?.message ?? "");
  }
});

document.getElementById("sign-out").addEventListener("click", async () => {
  await send({ query: "mutation { signOut { __typename } }", again: true });
  remember(null);
});

remember(tokens);
ReactDOM.createRoot(document.getElementById("graphiql")).render(
  React.createElement(GraphiQL, { fetcher, defaultQuery: EXAMPLE, defaultEditorToolsVisibility: true }),
);

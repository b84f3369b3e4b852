/** Ask the server by HTTP, and tell what may be tried again from what may not. */

/** What came back, whatever it says. */
export interface Reply {
  status: number;
  body: string;
}

/** Sends JSON by POST. Rejects when nothing came back. */
export type Post = (url: string, headers: Record<string, string>, body: string) => Promise<Reply>;

/** Asks for one document's data. */
export type Ask = <Data>(document: string, variables: object) => Promise<Data>;

/** Nothing, or nothing of use, came back: whether the server did it is unknown. Trying again may help. */
export class Unreachable extends Error {
  readonly code: string;

  constructor(code: string, options?: ErrorOptions) {
    super(`The server can't be reached: ${code}`, options);
    this.code = code;
  }
}

/** The server won't, and asking again would not change that. */
export class Refused extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** The sign-in has ended, or the token has expired. */
export class NotSignedIn extends Refused {}

interface Said {
  data?: unknown;
  errors?: Array<{ message: string; extensions?: { code?: string } }>;
}

const SIGN_IN = new Set(["UNAUTHENTICATED", "SIGN_IN_ENDED", "REFRESH_REUSED", "BAD_TOKEN"]);
const PASSING = new Set(["UNAVAILABLE", "TIMEOUT", "TOO_MANY_OPERATIONS", "INTERNAL"]);

/** Whether a code means that the same thing may be done a moment later. */
export function isPassing(code: string): boolean {
  return PASSING.has(code);
}

/** The data of an answer. Throws `Unreachable`, `NotSignedIn` or `Refused`. */
export async function ask<Data>(
  post: Post,
  url: string,
  headers: Record<string, string>,
  document: string,
  variables: object,
): Promise<Data> {
  let reply: Reply;
  try {
    reply = await post(url, { ...HEADERS, ...headers }, JSON.stringify({ query: document, variables }));
  } catch (error) {
    throw new Unreachable("NO_REPLY", { cause: error });
  }
  const said = parsed(reply);
  const [error] = said.errors ?? [];
  if (error !== undefined) throw meant(error.extensions?.code ?? "UNKNOWN", error.message);
  return said.data as Data;
}

const HEADERS = { "Content-Type": "application/json", Accept: "application/graphql-response+json, application/json" };

/** The error that a code stands for. */
export function meant(code: string, message: string): Error {
  if (SIGN_IN.has(code)) return new NotSignedIn(code, message);
  return isPassing(code) ? new Unreachable(code) : new Refused(code, message);
}

function parsed(reply: Reply): Said {
  try {
    const said = JSON.parse(reply.body) as Said | null;
    if (said?.data !== undefined || Array.isArray(said?.errors)) return said;
  } catch {
    // A proxy in between answers with pages of its own, whatever the status.
  }
  throw new Unreachable(`HTTP_${reply.status}`);
}

/** Posts with `fetch`, and gives up after a while: on a phone, a request can hang for ever. */
export function fetchPost(patience = 20_000): Post {
  return async (url, headers, body) => {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), patience);
    try {
      const answer = await fetch(url, { method: "POST", headers, body, signal: abort.signal });
      return { status: answer.status, body: await answer.text() };
    } finally {
      clearTimeout(timer);
    }
  };
}

/** The socket: follow what changes from a cursor on, through cut lines, restarts of the server and expired tokens. */

import { type Client, createClient } from "graphql-ws/client";
import { NotSignedIn, meant } from "./asking.ts";
import { LIVE } from "./documents.ts";
import type { Session } from "./session.ts";
import type { Changes } from "./store.ts";
import type { LiveAnswer } from "./types.ts";
import { type Pace, Sleeper, wait } from "./waiting.ts";

/** The server doesn't take the token any more: it expired, the sign-in ended, or the person has another post. */
const FRESH_CREDENTIALS = 4403;

/** The server, or something on the way, closed the line, and connecting again won't help at once. */
export class LineClosed extends Error {
  readonly code: number | undefined;

  constructor(code: number | undefined, reason: string) {
    super(`The line was closed: ${code} ${reason}`);
    this.code = code;
  }
}

export interface LineOptions {
  url: string;
  session: Session;
  pace: Pace;
  language: string;
  /** Where there is no global `WebSocket`. */
  webSocketImpl?: unknown;
  /** The line was lost; it is being made again. */
  onLost(): void;
}

export class Line {
  private readonly options: LineOptions;
  private readonly client: Client;
  private readonly sleeper = new Sleeper();
  private shown = "";
  private failed: string | undefined;
  private closedWith: number | undefined;
  private watchdog: ReturnType<typeof setTimeout> | undefined;
  private end: (() => void) | undefined;

  constructor(options: LineOptions) {
    this.options = options;
    this.client = createClient({
      url: options.url,
      webSocketImpl: options.webSocketImpl,
      lazyCloseTimeout: options.pace.first,
      keepAlive: options.pace.ping,
      retryAttempts: Infinity,
      retryWait: (tries) => this.sleeper.sleep(wait(options.pace, tries, this.closedWith)),
      // A line that can't be made is tried again for ever; only who is not signed in any more need not try.
      shouldRetry: (problem) => !(problem instanceof NotSignedIn),
      connectionParams: () => this.introduction(),
      on: {
        connecting: () => this.watch(),
        message: () => this.watch(),
        closed: (event) => this.lost(event),
        error: () => options.onLost(), // not every socket closes after it
      },
    });
  }

  /**
   * Take what changes from a cursor on, in order, until the server says that all has to be fetched anew, or `close`.
   * Rejects with what `take` threw, with `NotSignedIn`, or with what ended the subscription.
   */
  follow(cursor: string, take: (changes: Changes) => Promise<void>): Promise<void> {
    let heard = cursor;
    let taken = Promise.resolve();
    return new Promise((resolve, reject) => {
      // Not at once: graphql-ws counts a subscription twice that is left while its last messages are being read.
      const leave = (): void => void Promise.resolve().then(() => unsubscribe());
      const end = (): void => {
        leave();
        taken.then(resolve, reject);
      };
      const fail = (problem: unknown): void => {
        leave();
        taken.catch(() => undefined).finally(() => reject(asError(problem)));
      };
      const hear = (changes: Changes): void => {
        heard = changes.cursor;
        taken = taken.then(() => take(changes));
        taken.catch(fail);
        // Not left to the server to end: a line cut before it does would go on behind all that was not told.
        if (changes.mustRefetch) end();
      };
      // Written out anew with each connection, so that a new one goes on behind what the last one brought.
      const variables = {
        get after() {
          return heard;
        },
      };
      const unsubscribe = this.client.subscribe<LiveAnswer>(
        { query: LIVE, variables },
        { next: ({ data, errors }) => (data ? hear(data.changes) : fail(errors)), error: fail, complete: end },
      );
      this.end = end;
    });
  }

  /** Try at once instead of waiting: the phone is back on the net. */
  hurry(): void {
    this.sleeper.wake();
  }

  close(): void {
    clearTimeout(this.watchdog);
    this.end?.();
    // Rejects if a connection is just being tried, which is then given up.
    Promise.resolve(this.client.dispose()).catch(() => undefined);
    this.sleeper.wake();
  }

  private async introduction(): Promise<Record<string, unknown>> {
    const { session, language } = this.options;
    const token = this.failed === undefined ? session.token : await session.renew(this.failed);
    this.shown = token;
    return { Authorization: `Bearer ${token}`, "Accept-Language": language };
  }

  private lost(event: unknown): void {
    clearTimeout(this.watchdog);
    this.closedWith = (event as { code?: number }).code;
    if (this.closedWith === FRESH_CREDENTIALS) this.failed = this.shown;
    this.options.onLost();
  }

  /** A line that is silent for too long is dead, even if nobody says so: a phone that changes nets leaves such behind. */
  private watch(): void {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => this.client.terminate(), this.options.pace.silence);
  }
}

/** What ended a subscription: GraphQL errors come as a list, a lost line as the event of its closing. */
function asError(problem: unknown): Error {
  if (problem instanceof Error) return problem;
  if (Array.isArray(problem)) {
    const [first] = problem as Array<{ message: string; extensions?: { code?: string } }>;
    return meant(first?.extensions?.code ?? "UNKNOWN", first?.message ?? "");
  }
  const { code, reason } = problem as { code?: number; reason?: string };
  return new LineClosed(code, reason ?? "");
}

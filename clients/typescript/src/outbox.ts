/** What the person did: kept, sent in order as soon as it can be, and done once however often it is sent. */

import { type Payload, done, hasReached, isTooOld, movedOn, newAction, refused } from "./actions.ts";
import { type Ask, NotSignedIn, Refused, Unreachable, isPassing } from "./asking.ts";
import { mutations } from "./documents.ts";
import type { Action, LocalStore, Problem, Row } from "./store.ts";
import type { Place } from "./types.ts";
import { type Pace, Sleeper, wait } from "./waiting.ts";

/** A bug of the server's may be gone with the next try, but must not hold up for ever what comes behind it. */
const TRIES_ON_A_BUG = 5;

export interface OutboxOptions {
  store: LocalStore;
  ask: Ask;
  pace: Pace;
  newKey(): string;
  /** An action was kept, answered or dropped. */
  onActions(): void;
  /** The server said no. */
  onProblem(action: Action, problem: Problem): void;
  /** Something went wrong that is tried again. */
  onTrouble(trouble: unknown): void;
}

export class Outbox {
  private readonly options: OutboxOptions;
  private readonly sleeper = new Sleeper();
  private last: Promise<unknown> = Promise.resolve();
  private sending: Promise<void> = Promise.resolve();
  private isSending = false;
  private isWanted = false;
  private isStopped = false;
  private bugs = 0;
  private known: Place[] = [];

  constructor(options: OutboxOptions) {
    this.options = options;
  }

  /** Queue something that the person did. Once this is over it will happen, whatever happens to the phone. */
  async add(mutation: string, variables: Record<string, unknown>, copies: Row[]): Promise<string> {
    const key = this.options.newKey();
    await this.change((actions) => {
      const order = (actions.at(-1)?.order ?? 0) + 1;
      return [[newAction(key, order, mutation, variables, copies)], []];
    });
    this.send();
    return key;
  }

  /** Send what waits, and don't wait any longer for the next try. */
  send(): void {
    this.isWanted = true;
    this.sleeper.wake();
    if (this.isSending || this.isStopped) return;
    this.isSending = true;
    this.sending = this.sendAll();
  }

  /** The app has dealt with a problem. */
  async forget(key: string): Promise<void> {
    await this.change(() => [[], [key]]);
  }

  /** The copy has come this far: drop what it holds by itself now. */
  async reached(places: Place[]): Promise<void> {
    this.known = places;
    await this.change((actions) => {
      const over = actions.filter(({ state, places: told }) => state === "DONE" && hasReached(places, told, true));
      return [[], over.map(({ key }) => key)];
    });
  }

  /** Send nothing any more; over when the one that is on its way is answered or given up. */
  async stop(): Promise<void> {
    this.isStopped = true;
    this.sleeper.wake();
    await this.sending;
    await this.last;
  }

  private async sendAll(): Promise<void> {
    let tries = 0;
    while (this.isWanted && !this.isStopped) {
      try {
        this.isWanted = false;
        if (await this.sendNext()) this.isWanted = true;
        tries = 0;
      } catch (trouble) {
        this.options.onTrouble(trouble);
        if (trouble instanceof NotSignedIn) break;
        this.isWanted = true;
        await this.sleeper.sleep(wait(this.options.pace, tries++));
      }
    }
    this.isSending = false;
  }

  /** Send the oldest that waits; whether there was one. Throws if it has to be tried again. */
  private async sendNext(): Promise<boolean> {
    const [next] = (await this.options.store.actions()).filter((action) => action.state === "WAITING");
    if (next === undefined) return false;
    if (isTooOld(next)) {
      await this.refuse(next, problem("TOO_OLD", "This was done too long ago to be sent now."));
      return true;
    }
    const action = { ...next, isSent: true };
    await this.change(() => [[action], []]);
    const result = await this.result(action);
    if (result.__typename === "Problem") await this.refuse(action, result as Problem);
    else await this.settle(action, result as Payload);
    return true;
  }

  private async result(action: Action): Promise<Payload | Problem> {
    const document = (mutations as Readonly<Record<string, string>>)[action.mutation];
    if (document === undefined) return problem("UNKNOWN_MUTATION", `There is no mutation ${action.mutation}.`);
    try {
      const variables = { ...action.variables, idempotencyKey: action.key };
      const { result } = await this.options.ask<{ result: Payload | Problem }>(document, variables);
      if (result.__typename === "Problem" && isPassing((result as Problem).code)) {
        throw new Unreachable((result as Problem).code);
      }
      this.bugs = 0;
      return result;
    } catch (trouble) {
      if (trouble instanceof NotSignedIn) throw trouble;
      if (trouble instanceof Refused) return problem(trouble.code, trouble.message);
      if (trouble instanceof Unreachable && trouble.code === "INTERNAL" && ++this.bugs >= TRIES_ON_A_BUG) {
        this.bugs = 0;
        return problem(trouble.code, trouble.message);
      }
      throw trouble;
    }
  }

  private async settle(action: Action, payload: Payload): Promise<void> {
    await this.change((actions) => {
      const others = movedOn(action, payload, actions);
      // The stream may be ahead of the answer.
      if (hasReached(this.known, payload.places, false)) return [others, [action.key]];
      return [[done(action, payload), ...others], []];
    });
  }

  private async refuse(action: Action, why: Problem): Promise<void> {
    const told = refused(action, why);
    await this.change(() => [[told], []]);
    this.options.onProblem(told, why);
  }

  /** Change what is kept, one change after the other. */
  private change(work: (actions: Action[]) => [put: Action[], drop: string[]]): Promise<void> {
    const changed = this.last.then(async () => {
      const [put, drop] = work(await this.options.store.actions());
      if (put.length === 0 && drop.length === 0) return;
      await this.options.store.keep(put, drop);
      this.options.onActions();
    });
    this.last = changed.catch(() => undefined);
    return changed;
  }
}

/** A problem that the client finds by itself; apps have their own words for such a code. */
function problem(code: string, message: string): Problem {
  return { __typename: "Problem", code, message, current: null };
}

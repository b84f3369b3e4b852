/** Keep the copy: fetch it page by page, follow what changes, and start over when the server says so. */

import { type Ask, NotSignedIn, Refused } from "./asking.ts";
import { SHAPE, SNAPSHOT, kinds } from "./documents.ts";
import { type Line, LineClosed } from "./live.ts";
import type { Changes, LocalStore } from "./store.ts";
import type { Place, SnapshotAnswer } from "./types.ts";
import { type Pace, Sleeper, wait } from "./waiting.ts";

/** What a server says, when it closes a line, to a client that does something wrong. */
const OUR_FAULT = new Set([1009, 4400, 4401, 4406, 4409, 4429]);

/** `LIVE` only while the copy holds all that the server had to tell. */
export type Status = "STOPPED" | "COPYING" | "CATCHING_UP" | "LIVE" | "OFFLINE" | "SIGNED_OUT";

export interface SyncOptions {
  store: LocalStore;
  ask: Ask;
  line: Line;
  pace: Pace;
  pageSize: number;
  onStatus(status: Status): void;
  /** Changes were taken in; without any, the whole copy is another. */
  onChanges(changes: Changes | null, places: Place[]): Promise<void>;
  /** Something went wrong that is tried again, or, of a sign-in that has ended, is not. */
  onTrouble(trouble: unknown): void;
}

export class Sync {
  private readonly options: SyncOptions;
  private readonly sleeper = new Sleeper();
  private isStopped = false;
  private isFollowing = false;
  private mustRefetch = false;
  private refetches = 0;
  private tries = 0;

  constructor(options: SyncOptions) {
    this.options = options;
  }

  /** Run until `stop`, or until the sign-in is over. */
  async run(): Promise<void> {
    while (!this.isStopped) {
      try {
        await this.start();
        await this.follow();
      } catch (trouble) {
        this.options.onTrouble(trouble);
        if (trouble instanceof NotSignedIn) return this.options.onStatus("SIGNED_OUT");
        this.options.onStatus("OFFLINE");
        if (!this.isStopped) await this.sleeper.sleep(this.pause(trouble));
      }
    }
    this.options.onStatus("STOPPED");
  }

  stop(): void {
    this.isStopped = true;
    this.options.line.close();
    this.sleeper.wake();
  }

  /** Try at once instead of waiting. */
  hurry(): void {
    this.options.line.hurry();
    this.sleeper.wake();
  }

  /** The line was lost; it is made again by itself. */
  lost(): void {
    if (this.isFollowing) this.options.onStatus("OFFLINE");
  }

  private pause(trouble: unknown): number {
    const isOurs = trouble instanceof Refused || (trouble instanceof LineClosed && OUR_FAULT.has(trouble.code ?? 0));
    // Asking the same again at once would only get the same answer: look now and then whether the server is another.
    return wait(this.options.pace, isOurs ? Infinity : this.tries++);
  }

  /** Fetch the copy if there is none that changes could be made to. */
  private async start(): Promise<void> {
    const { store } = this.options;
    const [standing, staging] = [await store.standing(), await store.staging()];
    // The rows of a copy that another version of the app made may lack what this one asks for.
    const isOf = (copy: { shape: string } | null): boolean => copy?.shape === SHAPE;
    if (staging !== null && (this.mustRefetch || !isOf(staging))) await store.unstage();
    if (!this.mustRefetch && staging === null && isOf(standing)) return;
    this.options.onStatus("COPYING");
    // All phones are told at the same moment to fetch anew. The copy that is there can be read meanwhile.
    if (this.mustRefetch) await this.sleeper.sleep(wait(this.options.pace, this.refetches++));
    this.mustRefetch = false;
    await this.copy();
  }

  /** Fetch the pages that are still missing; the copy so far stays readable until the last one is there. */
  private async copy(): Promise<void> {
    const { store } = this.options;
    let places: Place[] = [];
    let next = (await store.staging())?.next ?? null;
    do {
      const { snapshot } = await this.page(next);
      const items = snapshot.items.filter((row) => kinds.has(row.entityType));
      await store.stage({ ...snapshot, items }, SHAPE);
      ({ next, places } = snapshot);
      this.tries = 0;
    } while (next !== null && !this.isStopped);
    if (next === null) await this.options.onChanges(null, places);
  }

  private async page(after: string | null): Promise<SnapshotAnswer> {
    const { ask, pageSize, store } = this.options;
    try {
      return await ask<SnapshotAnswer>(SNAPSHOT, { after, first: pageSize });
    } catch (trouble) {
      // A page that the server doesn't know any more: the next try begins with the first.
      if (trouble instanceof Refused && !(trouble instanceof NotSignedIn)) await store.unstage();
      throw trouble;
    }
  }

  private async follow(): Promise<void> {
    const standing = await this.options.store.standing();
    if (standing === null || this.isStopped) return;
    this.options.onStatus("CATCHING_UP");
    this.isFollowing = true;
    try {
      await this.options.line.follow(standing.cursor, (changes) => this.take(changes));
    } finally {
      this.isFollowing = false;
    }
    if (!this.mustRefetch && !this.isStopped) throw new Error("The server ended the stream.");
  }

  private async take(told: Changes): Promise<void> {
    if (told.mustRefetch) {
      this.mustRefetch = true;
      return;
    }
    // A newer server may tell of kinds that this client has never heard of.
    const changes = { ...told, changes: told.changes.filter((change) => kinds.has(change.entityType)) };
    await this.options.store.apply(changes, told.cursor);
    this.tries = this.refetches = 0;
    await this.options.onChanges(changes, told.places);
    this.options.onStatus(told.upToDate ? "LIVE" : "CATCHING_UP");
  }
}

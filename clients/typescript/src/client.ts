/** The client: one person's copy of what they may see, kept up to date, and what they do. */

import { shown } from "./actions.ts";
import { type Ask, type Post, fetchPost } from "./asking.ts";
import type { mutations } from "./documents.ts";
import { Line } from "./live.ts";
import { Outbox } from "./outbox.ts";
import { type Credentials, type Keep, Session } from "./session.ts";
import type { Action, Changes, LocalStore, NodeOf, Problem, Row } from "./store.ts";
import { type Status, Sync } from "./sync.ts";
import type { EntityType, VariablesOf } from "./types.ts";
import { PACE, type Pace } from "./waiting.ts";

export interface Options {
  /** Where the server's GraphQL is, as in `https://shop.example/graphql`. */
  url: string;
  /** The same for sockets; by default made of `url`. */
  socketUrl?: string;
  /** This person's own, and nobody else's. */
  store: LocalStore;
  credentials: Credentials;
  /** Keep new credentials where the old ones are. */
  onCredentials: Keep;
  /** Where there is no `fetch`. */
  post?: Post;
  /** Where there is no `WebSocket`. */
  webSocketImpl?: unknown;
  /** What the person reads, `zh` or `en`. */
  language?: string;
  pace?: Pace;
  /** How many things to a page of the snapshot. */
  pageSize?: number;
  /** Makes idempotency keys; by default random ones. */
  newKey?: () => string;
  onStatus?: (status: Status) => void;
  /** What there is to show has changed; `told` is what the server said, null when it is all new or the person's own. */
  onChange?: (told: Changes | null) => void;
  /** Something the person did was refused. It stays among `problems()` until `forget(action.key)`. */
  onProblem?: (action: Action, problem: Problem) => void;
  /** Something went wrong that is tried again: for the app's log. */
  onTrouble?: (trouble: unknown) => void;
}

type MutationName = keyof typeof mutations;
type Variables<Name extends MutationName> = Omit<VariablesOf[Capitalize<Name>], "idempotencyKey">;
type RowOf<Type extends EntityType> = Omit<Row, "node"> & { node: NodeOf<Type> };

export class Client {
  /** Ask anything else as the same person, such as a page of a list that is not copied. */
  readonly ask: Ask;
  private readonly options: Options;
  private readonly outbox: Outbox;
  private readonly sync: Sync;
  private running: Promise<void> = Promise.resolve();
  private state: Status = "STOPPED";

  constructor(options: Options) {
    this.options = options;
    const { post = fetchPost(), url, language = "zh", credentials, onCredentials } = options;
    const session = new Session(post, url, language, credentials, onCredentials);
    this.ask = session.ask;
    this.outbox = this.outboxOf(session);
    this.sync = this.syncOf(session, this.lineOf(session, language));
  }

  get status(): Status {
    return this.state;
  }

  /** Begin to keep the copy. Reading works before, and without a net. */
  start(): void {
    this.running = this.sync.run();
    this.outbox.send();
  }

  /** End it all; a stopped client is not started again. */
  async stop(): Promise<void> {
    this.sync.stop();
    await this.running;
    await this.outbox.stop();
  }

  /** The phone is back on the net, or the app in front: don't wait for the next try. */
  hurry(): void {
    this.sync.hurry();
    this.outbox.send();
  }

  /** The rows of a kind, with what the person did to them. */
  async rows<Type extends EntityType>(entityType: Type): Promise<Array<RowOf<Type>>> {
    // In this order: what the copy comes to hold in between is then seen twice and not never.
    const actions = await this.options.store.actions();
    const rows = await this.options.store.rows(entityType);
    return shown(rows, actions, entityType) as Array<RowOf<Type>>;
  }

  /** Do something: now, or as soon as there is a net. `copies` are the rows to show meanwhile. Gives the key. */
  act<Name extends MutationName>(name: Name, variables: Variables<Name>, copies: Row[] = []): Promise<string> {
    return this.outbox.add(name, variables as Record<string, unknown>, copies);
  }

  /** What was done and not yet told by the copy, and what was refused. */
  async actions(): Promise<Action[]> {
    return this.options.store.actions();
  }

  /** What was refused and not yet dealt with. */
  async problems(): Promise<Action[]> {
    return (await this.actions()).filter((action) => action.state === "REFUSED");
  }

  /** The person knows of a problem: it need not be kept any more. */
  async forget(key: string): Promise<void> {
    await this.outbox.forget(key);
  }

  private outboxOf(session: Session): Outbox {
    const { store, pace = PACE, newKey = randomKey, onChange, onProblem } = this.options;
    return new Outbox({
      store,
      ask: session.ask,
      pace,
      newKey,
      onActions: () => this.tell(() => onChange?.(null)),
      onProblem: (action, problem) => this.tell(() => onProblem?.(action, problem)),
      onTrouble: (trouble) => this.options.onTrouble?.(trouble),
    });
  }

  private lineOf(session: Session, language: string): Line {
    const { url, socketUrl = url.replace(/^http/, "ws"), pace = PACE, webSocketImpl } = this.options;
    return new Line({ url: socketUrl, session, pace, language, webSocketImpl, onLost: () => this.sync.lost() });
  }

  private syncOf(session: Session, line: Line): Sync {
    const { store, pace = PACE, pageSize = 200, onChange } = this.options;
    return new Sync({
      store,
      ask: session.ask,
      line,
      pace,
      pageSize,
      onStatus: (status) => this.changed(status),
      onChanges: async (changes, places) => {
        await this.outbox.reached(places);
        this.tell(() => onChange?.(changes));
      },
      onTrouble: (trouble) => this.options.onTrouble?.(trouble),
    });
  }

  private changed(status: Status): void {
    if (status === this.state) return;
    this.state = status;
    // Whoever hears from the server can also speak to it.
    if (status === "LIVE") this.outbox.send();
    this.tell(() => this.options.onStatus?.(status));
  }

  /** Tell the app. What goes wrong in there is not to be taken for trouble with the copy, and tried again. */
  private tell(say: () => void): void {
    try {
      say();
    } catch (trouble) {
      this.options.onTrouble?.(trouble);
    }
  }
}

/** A key that nobody else makes. Mini programs and pages without TLS have no `randomUUID`. */
function randomKey(): string {
  if (typeof crypto !== "undefined" && "randomUUID" in crypto) return crypto.randomUUID();
  const part = (): string => Math.random().toString(36).slice(2, 12);
  return `${Date.now().toString(36)}-${part()}-${part()}`;
}

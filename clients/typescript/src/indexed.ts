/** A store in the browser's IndexedDB: it outlives the page. */

import type { Action, Batch, LocalStore, Page, Row, Staging, Standing } from "./store.ts";
import { mayReplace, ownsOthers, rowOf } from "./store.ts";
import type { EntityType } from "./types.ts";

const ROWS = "rows";
const STATE = "state";
const ACTIONS = "actions";
const OF_RELATIONSHIP = "ofRelationship";

/** Which of the copies in `rows` is read, where it stands, and where the one beside it does. */
interface State {
  copy: number;
  standing: Standing | null;
  staging: Staging | null;
}

/** A row and the number of the copy that it belongs to. */
type Kept = Row & { copy: number };

const EMPTY: State = { copy: 0, standing: null, staging: null };

export class IndexedStore implements LocalStore {
  private readonly database: IDBDatabase;

  private constructor(database: IDBDatabase) {
    this.database = database;
  }

  /** Open the database of this name; name it after the brand and the staff number. */
  static async open(name: string): Promise<IndexedStore> {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => {
      const rows = request.result.createObjectStore(ROWS, { keyPath: ["copy", "entityType", "id"] });
      // A row without a relationship has no key here, so it is not in this index.
      rows.createIndex(OF_RELATIONSHIP, ["copy", "relationshipId"]);
      request.result.createObjectStore(STATE);
      request.result.createObjectStore(ACTIONS, { keyPath: "key" }).createIndex("order", "order");
    };
    return new IndexedStore(await answer(request));
  }

  close(): void {
    this.database.close();
  }

  async standing(): Promise<Standing | null> {
    return this.read(async (all) => (await state(all)).standing);
  }

  async rows(entityType?: EntityType): Promise<Row[]> {
    return this.read(async (all) => {
      const { copy } = await state(all);
      const kept: Kept[] = await answer(all.objectStore(ROWS).getAll(range(copy, entityType)));
      return kept.map(({ copy: _, ...row }) => row);
    });
  }

  async apply(batch: Batch, cursor: string): Promise<void> {
    await this.write(async (all) => {
      const now = await state(all);
      if (now.standing === null) throw new Error("There is no copy yet that changes could be made to.");
      for (const change of batch.changes) {
        const row = rowOf(change);
        if (row !== null) await put(all, { ...row, copy: now.copy });
        else await forget(all, now.copy, change);
      }
      save(all, { ...now, standing: { ...now.standing, cursor, places: batch.places } });
    });
  }

  async staging(): Promise<Staging | null> {
    return this.read(async (all) => (await state(all)).staging);
  }

  async stage(page: Page, shape: string): Promise<void> {
    await this.write(async (all) => {
      const now = await state(all);
      const beside = now.copy + 1;
      for (const row of page.items) await put(all, { ...row, copy: beside });
      const standing = { cursor: page.cursor, places: page.places, shape };
      if (page.next !== null) {
        save(all, { ...now, staging: { ...standing, next: page.next } });
        return;
      }
      all.objectStore(ROWS).delete(range(now.copy));
      save(all, { copy: beside, standing, staging: null });
    });
  }

  async unstage(): Promise<void> {
    await this.write(async (all) => {
      const now = await state(all);
      all.objectStore(ROWS).delete(range(now.copy + 1));
      save(all, { ...now, staging: null });
    });
  }

  async actions(): Promise<Action[]> {
    return this.read((all) => answer(all.objectStore(ACTIONS).index("order").getAll()));
  }

  async keep(actions: Action[], drop: string[]): Promise<void> {
    await this.write(async (all) => {
      const kept = all.objectStore(ACTIONS);
      for (const action of actions) kept.put(action);
      for (const key of drop) kept.delete(key);
    });
  }

  private read<Found>(work: (all: IDBTransaction) => Promise<Found>): Promise<Found> {
    return work(this.database.transaction([ROWS, STATE, ACTIONS], "readonly"));
  }

  /** All of the work, or nothing of it. Inside, only requests of the transaction are waited for: others would end it. */
  private async write(work: (all: IDBTransaction) => Promise<void>): Promise<void> {
    const all = this.database.transaction([ROWS, STATE, ACTIONS], "readwrite");
    const over = new Promise<void>((resolve, reject) => {
      all.oncomplete = () => resolve();
      all.onabort = () => reject(all.error ?? new Error("The transaction was given up."));
    });
    try {
      await work(all);
    } catch (error) {
      over.catch(() => undefined);
      all.abort();
      throw error;
    }
    await over;
  }
}

async function state(all: IDBTransaction): Promise<State> {
  return ((await answer(all.objectStore(STATE).get(STATE))) as State | undefined) ?? EMPTY;
}

function save(all: IDBTransaction, now: State): void {
  all.objectStore(STATE).put(now, STATE);
}

async function put(all: IDBTransaction, row: Kept): Promise<void> {
  const rows = all.objectStore(ROWS);
  const known = (await answer(rows.get([row.copy, row.entityType, row.id]))) as Kept | undefined;
  if (mayReplace(known, row)) rows.put(row);
}

async function forget(all: IDBTransaction, copy: number, gone: { entityType: EntityType; id: string }): Promise<void> {
  const rows = all.objectStore(ROWS);
  rows.delete([copy, gone.entityType, gone.id]);
  if (!ownsOthers(gone)) return;
  const owned = await answer(rows.index(OF_RELATIONSHIP).getAllKeys([copy, gone.id]));
  for (const key of owned) rows.delete(key);
}

/** The keys of a copy, or of one kind in it. An array sorts behind every string and number. */
function range(copy: number, entityType?: EntityType): IDBKeyRange {
  const start: IDBValidKey[] = entityType === undefined ? [copy] : [copy, entityType];
  return IDBKeyRange.bound(start, [...start, []]);
}

function answer<Found>(request: IDBRequest<Found>): Promise<Found> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

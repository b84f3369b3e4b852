/** A store that forgets everything when the app ends: for tests, and for pages that are open for a while only. */

import type { Action, Batch, LocalStore, Page, Row, Staging, Standing } from "./store.ts";
import { mayReplace, ownsOthers, rowOf } from "./store.ts";
import type { EntityType } from "./types.ts";

type Rows = Map<string, Row>;

export class MemoryStore implements LocalStore {
  private copy: Rows = new Map();
  private stands: Standing | null = null;
  private aside: Rows = new Map();
  private asideStands: Staging | null = null;
  private done = new Map<string, Action>();

  async standing(): Promise<Standing | null> {
    return this.stands;
  }

  async rows(entityType?: EntityType): Promise<Row[]> {
    const all = [...this.copy.values()];
    return entityType === undefined ? all : all.filter((row) => row.entityType === entityType);
  }

  async apply(batch: Batch, cursor: string): Promise<void> {
    if (this.stands === null) throw new Error("There is no copy yet that changes could be made to.");
    for (const change of batch.changes) {
      const row = rowOf(change);
      if (row !== null) put(this.copy, row);
      else forget(this.copy, change);
    }
    this.stands = { ...this.stands, cursor, places: batch.places };
  }

  async staging(): Promise<Staging | null> {
    return this.asideStands;
  }

  async stage(page: Page, shape: string): Promise<void> {
    for (const row of page.items) put(this.aside, row);
    const standing = { cursor: page.cursor, places: page.places, shape };
    if (page.next !== null) {
      this.asideStands = { ...standing, next: page.next };
      return;
    }
    this.copy = this.aside;
    this.stands = standing;
    await this.unstage();
  }

  async unstage(): Promise<void> {
    this.aside = new Map();
    this.asideStands = null;
  }

  async actions(): Promise<Action[]> {
    return [...this.done.values()].sort((one, other) => one.order - other.order);
  }

  async keep(actions: Action[], drop: string[]): Promise<void> {
    for (const action of actions) this.done.set(action.key, action);
    for (const key of drop) this.done.delete(key);
  }
}

function put(rows: Rows, row: Row): void {
  const key = keyOf(row);
  if (mayReplace(rows.get(key), row)) rows.set(key, row);
}

function forget(rows: Rows, gone: { entityType: EntityType; id: string }): void {
  rows.delete(keyOf(gone));
  if (!ownsOthers(gone)) return;
  for (const [key, row] of rows) if (row.relationshipId === gone.id) rows.delete(key);
}

function keyOf(row: { entityType: EntityType; id: string }): string {
  return `${row.entityType}/${row.id}`;
}

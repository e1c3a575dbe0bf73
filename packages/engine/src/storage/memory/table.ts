/**
 * Rows by key. A row is replaced, never changed in place, so a transaction that fails can put the
 * old ones back.
 */
export class Table<K, V> {
  readonly #rows = new Map<K, V>();
  #undo: (() => void)[] = [];

  get size(): number {
    return this.#rows.size;
  }

  get(key: K): V | undefined {
    return this.#rows.get(key);
  }

  has(key: K): boolean {
    return this.#rows.has(key);
  }

  /** In the order in which they came in, as are `values`. */
  keys(): readonly K[] {
    return [...this.#rows.keys()];
  }

  values(): readonly V[] {
    return [...this.#rows.values()];
  }

  set(key: K, row: V): void {
    this.#remember(key);
    this.#rows.set(key, row);
  }

  delete(key: K): void {
    this.#remember(key);
    this.#rows.delete(key);
  }

  commit(): void {
    this.#undo = [];
  }

  rollback(): void {
    for (const undo of this.#undo.toReversed()) undo();
    this.#undo = [];
  }

  #remember(key: K): void {
    const before = this.#rows.get(key);
    this.#undo.push(() => {
      if (before === undefined) this.#rows.delete(key);
      else this.#rows.set(key, before);
    });
  }
}

// Which expressions of a query are known to be equal: sets that grow together. A key stands for a column of a relation
// (`3.shard`), a parameter (`$1`) or a constant (`=7`).

export class Equalities {
  readonly #parents: Map<string, string>;

  constructor(parents: ReadonlyMap<string, string> = new Map()) {
    this.#parents = new Map(parents);
  }

  /** A copy: what is added to it is true in a part of the query only. */
  fork(): Equalities {
    return new Equalities(this.#parents);
  }

  equate(a: string, b: string): void {
    const [first, second] = [this.#rootOf(a), this.#rootOf(b)];
    if (first !== second) this.#parents.set(first, second);
  }

  areEqual(a: string, b: string): boolean {
    return this.#rootOf(a) === this.#rootOf(b);
  }

  /** The parameters and constants that are equal to `key`: the ones that mean the same in another query. */
  valuesOf(key: string): readonly string[] {
    const known = new Set([...this.#parents].flat());
    return [...known].filter((it) => /^[$=]/.test(it) && this.areEqual(it, key));
  }

  #rootOf(key: string): string {
    let root = key;
    for (let next = this.#parents.get(root); next !== undefined; next = this.#parents.get(root)) {
      root = next;
    }
    return root;
  }
}

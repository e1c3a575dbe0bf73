// Rows and units as flat lists of primitives: what crosses the thread border cheaply, and what
// SQLite binds as it is.

/** No booleans and no undefined: SQLite binds neither. */
export type Cell = string | number | null;
export type Row = readonly Cell[];

/**
 * Reads cells one after the other, in the order in which the codec wrote them, and checks their
 * types.
 */
export class Cursor {
  readonly #cells: Row;
  #at = 0;

  constructor(cells: Row) {
    this.#cells = cells;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#cells.length;
  }

  cell(): Cell {
    const cell = this.#cells[this.#at];
    if (cell === undefined) throw new TypeError(`cell ${this.#at} is undefined`);
    this.#at += 1;
    return cell;
  }

  /** The next `count` cells. */
  cells(count: number): Row {
    if (count === 0) return [];
    const cells = this.#cells.slice(this.#at, this.#at + count);
    if (cells.length !== count) throw new RangeError(`${count} cells expected at ${this.#at}`);
    this.#at += count;
    return cells;
  }

  text(): string {
    const cell = this.cell();
    if (typeof cell !== "string") throw this.#wrong("text", cell);
    return cell;
  }

  textOrNull(): string | null {
    return this.#isNull() ? null : this.text();
  }

  number(): number {
    const cell = this.cell();
    if (typeof cell !== "number") throw this.#wrong("number", cell);
    return cell;
  }

  numberOrNull(): number | null {
    return this.#isNull() ? null : this.number();
  }

  /** Booleans travel as 0 and 1. */
  flag(): boolean {
    return this.number() !== 0;
  }

  #isNull(): boolean {
    if (this.#cells[this.#at] !== null) return false;
    this.#at += 1;
    return true;
  }

  #wrong(expected: string, cell: Cell): TypeError {
    return new TypeError(
      `cell ${this.#at - 1} is ${cell === null ? "null" : typeof cell}, not ${expected}`,
    );
  }
}

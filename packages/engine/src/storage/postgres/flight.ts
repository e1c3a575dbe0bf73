// Several statements in one flight: they go out together, and are one transaction, because only one Sync follows
// them. No BEGIN, no COMMIT, one round trip: a process that is stopped between two of them holds no locks.
import type { Connection, Submittable } from "pg";
import type { Cell, Row } from "../rows/cells.ts";
import type { Bound } from "./statement.ts";

/** Rows of one statement. */
export type Rows = readonly Row[];

/** What a connection has prepared, and what the columns of each statement are. */
export class Prepared {
  readonly #names = new Set<string>();
  readonly #columns = new Map<string, readonly boolean[]>();
  readonly isNamed: boolean;

  /** @param isNamed false: whoever stands between us and the server gives each flight another session */
  constructor(isNamed: boolean) {
    this.isNamed = isNamed;
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }

  add(name: string): void {
    this.#names.add(name);
  }

  /** Which columns are numbers. */
  columnsOf(name: string): readonly boolean[] | undefined {
    return this.#columns.get(name);
  }

  describe(name: string, columns: readonly boolean[]): void {
    this.#columns.set(name, columns);
  }
}

// int8, int2, int4, oid
const NUMBER_OIDS: ReadonlySet<number> = new Set([20, 21, 23, 26]);

interface FieldDescription {
  readonly dataTypeID: number;
}

/** What `pg` gives a query of one's own to write to; its types leave most of it out. */
interface Wire {
  readonly stream: { cork(): void; uncork(): void };
  parse(query: { text: string; name: string; types: readonly number[] }): void;
  bind(config: {
    portal: string;
    statement: string;
    values: readonly unknown[];
    binary: boolean;
    valueMapper: (value: unknown) => unknown;
  }): void;
  describe(what: { type: "P"; name: string }): void;
  execute(config: { portal: string; rows: number }): void;
  sync(): void;
}

export class Flight implements Submittable {
  readonly #statements: readonly Bound[];
  readonly #prepared: Prepared;
  readonly #results: Rows[] = [];
  readonly #done: (error: Error | null, results: readonly Rows[]) => void;
  #rows: Row[] = [];
  #columns: readonly boolean[] = [];
  #hasEnded = false;
  /** It has prepared what nobody knows whether it stands, should it fail. */
  preparesAnew = false;

  /** @param done called once, when the transaction has ended; the results are those of the statements, in order */
  constructor(
    statements: readonly Bound[],
    prepared: Prepared,
    done: (error: Error | null, results: readonly Rows[]) => void,
  ) {
    this.#statements = statements;
    this.#prepared = prepared;
    this.#done = done;
  }

  submit(connection: Connection): void {
    // The methods are there; the types of `pg` describe only its public face.
    const wire = connection as unknown as Wire;
    const prepared = this.#prepared;
    wire.stream.cork();
    try {
      for (const { statement, parameters } of this.#statements) {
        const name = prepared.isNamed ? statement.name : "";
        if (!prepared.isNamed || !prepared.has(name)) {
          wire.parse({ text: statement.text, name, types: [] });
          if (prepared.isNamed) prepared.add(name);
          this.preparesAnew = true;
        }
        wire.bind({
          portal: "",
          statement: name,
          values: parameters,
          binary: false,
          valueMapper: toWire,
        });
        if (prepared.columnsOf(statement.name) === undefined)
          wire.describe({ type: "P", name: "" });
        wire.execute({ portal: "", rows: 0 });
      }
      wire.sync();
    } finally {
      wire.stream.uncork();
    }
    this.#beginStatement();
  }

  handleRowDescription({ fields }: { readonly fields: readonly FieldDescription[] }): void {
    this.#columns = fields.map((field) => NUMBER_OIDS.has(field.dataTypeID));
  }

  handleDataRow({ fields }: { readonly fields: readonly (string | null)[] }): void {
    this.#rows.push(fields.map((field, i) => this.#toCell(field, i)));
  }

  handleCommandComplete(): void {
    const at = this.#results.length;
    const name = this.#statements[at]?.statement.name;
    if (name !== undefined && this.#prepared.columnsOf(name) === undefined)
      this.#prepared.describe(name, this.#columns);
    this.#results.push(this.#rows);
    this.#beginStatement();
  }

  handleEmptyQuery(): void {
    this.handleCommandComplete();
  }

  handlePortalSuspended(): void {
    // No statement asks for a part of its rows.
  }

  /** The client forgets a query that fails: nothing more comes. */
  handleError(error: Error): void {
    this.#end(error);
  }

  handleReadyForQuery(): void {
    this.#end(null);
  }

  #end(error: Error | null): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#done(error, this.#results);
  }

  #beginStatement(): void {
    this.#rows = [];
    const next = this.#statements[this.#results.length];
    this.#columns = (next && this.#prepared.columnsOf(next.statement.name)) ?? [];
  }

  #toCell(field: string | null, i: number): Cell {
    return field !== null && this.#columns[i] === true ? Number(field) : field;
  }
}

const toWire = (value: unknown): unknown => (typeof value === "number" ? String(value) : value);

// What is under way on one connection to a server. A *cycle* is what a client sends up to a message that the server
// answers with ReadyForQuery; several may be under way at a time.
//
// A cycle that executes something and ends outside of a transaction has committed, unless it failed: this holds for
// the text `commit`, however it was sent, and for the commit that a lone Sync or Query implies.
import type { Message } from "./messages.ts";

interface Cycle {
  executes: boolean;
  failed: boolean;
  /** The client waits for what the server has to say before the cycle's end. */
  isOpenToClient: boolean;
  /** Answers of the server that the client has not got. */
  readonly held: Buffer[];
}

export interface Step {
  /** What the client gets now. */
  readonly toClient: readonly Buffer[];
  /** A commit whose answer is all that is in `toClient`. */
  readonly isCommit: boolean;
}

/** Query, Sync, FunctionCall. */
const ENDS = new Set(["Q", "S", "F"]);
/** Query, Execute, FunctionCall. */
const EXECUTES = new Set(["Q", "E", "F"]);
/** Those, and Parse, Bind, Describe, Close, Flush. Passwords and copied rows are parts of what is under way. */
const BELONGS = new Set([...ENDS, ...EXECUTES, "P", "B", "D", "C", "H"]);
/**
 * CopyInResponse, CopyBothResponse: the client must answer before it goes on. ErrorResponse: this is no commit, and
 * may be the last that the server says.
 */
const OPENS = new Set(["G", "W", "E"]);

export class Exchange {
  readonly #sent: Cycle[] = [];
  #next: Cycle | undefined;
  #status = "I";

  /** Nothing is under way, and no transaction is open. */
  get isIdle(): boolean {
    return this.#sent.length === 0 && this.#next === undefined && this.#status === "I";
  }

  fromClient({ type }: Message): void {
    if (!BELONGS.has(type)) return;
    this.#next ??= { executes: false, failed: false, isOpenToClient: false, held: [] };
    if (EXECUTES.has(type)) this.#next.executes = true;
    // Flush
    if (type === "H") this.#next.isOpenToClient = true;
    if (!ENDS.has(type)) return;
    this.#sent.push(this.#next);
    this.#next = undefined;
  }

  /** Answers are held until their cycle ends, so that the client has nothing of a commit that it shall not hear of. */
  fromServer({ type, body, bytes }: Message): Step {
    const cycle = this.#sent[0] ?? this.#next;
    if (cycle === undefined) {
      if (type === "Z") this.#status = body.toString("latin1");
      return { toClient: [bytes], isCommit: false };
    }
    cycle.held.push(bytes);
    if (type === "E") cycle.failed = true;
    // A failed transaction answers `commit` with a rollback.
    if (type === "C" && body.toString("latin1").startsWith("ROLLBACK")) cycle.failed = true;
    if (OPENS.has(type)) cycle.isOpenToClient = true;
    if (type !== "Z") {
      return { toClient: cycle.isOpenToClient ? cycle.held.splice(0) : [], isCommit: false };
    }
    this.#sent.shift();
    this.#status = body.toString("latin1");
    const isCommit = cycle.executes && !cycle.failed && this.#status === "I";
    return { toClient: cycle.held, isCommit };
  }
}

import type { Network } from "./network.ts";
import type { StatementCounts } from "./statements.ts";

/** Where the server is. */
export interface Target {
  readonly host: string;
  readonly port: number;
}

/** What all connections of a proxy share. */
export interface Passage {
  readonly target: Target;
  readonly network: Network;
  readonly statements: StatementCounts;
  /** Asked once a commit: whether its client shall be cut off without an answer. */
  readonly isCommitCut: () => boolean;
}

import { MillraceError, nearName, type ConnectableEngine } from "@millrace/protocol";
import type { HttpClientOptions } from "@millrace/sdk/client";
import type { WorkspaceClass } from "./workspace.ts";

/** An engine in this process. What can be started and stopped is, with the application. */
export interface EmbeddedEngine extends ConnectableEngine {
  /** Safe to call twice. */
  start?(): Promise<void>;
  /** Safe to call twice. */
  stop?(): Promise<void>;
}

export interface ModuleWorkerOptions {
  /** How many runs it takes at once. Default: 100; beside the engine, 10,000. */
  readonly slots?: number;
  /** For people, and the `workerId` of what `run` answers. Default: this machine and process. */
  readonly name?: string;
  /** At shutdown: how long bodies of steps may go on. Default: 30,000 ms. */
  readonly graceMs?: number;
}

interface CommonOptions {
  /** Name of the tenant. Default: the key's own; beside the engine, `default`. */
  readonly namespace?: string;
  /** false: this process only starts runs, and workers elsewhere execute them. Default: it executes its own. */
  readonly worker?: ModuleWorkerOptions | false;
  /** Workspaces besides those that are providers. A class needs no decorator here. */
  readonly workspaces?: readonly WorkspaceClass[];
  /** Whether runs may be of this user. Default: every text of 1 to 255 characters is a user. */
  readonly isUser?: (userId: string) => boolean | Promise<boolean>;
  /** Whose request it is, for `UserRunService`. Asked when a run is started, so what guards have found out is there. */
  readonly userOf?: (request: unknown) => string | undefined | Promise<string | undefined>;
}

export interface EngineModuleOptions extends CommonOptions {
  readonly engine: EmbeddedEngine;
  /** Whether the engine stops with the application, after all else of Millrace. Default: true. */
  readonly stopsEngine?: boolean;
}

export interface ServerModuleOptions
  extends CommonOptions, Pick<HttpClientOptions, "url" | "key" | "fetch"> {
  /** How long a call goes on while nobody answers. Less fails earlier. Default: 60,000 ms. */
  readonly retryForMs?: number;
}

export type MillraceOptions = EngineModuleOptions | ServerModuleOptions;

const COMMON_NAMES = ["namespace", "worker", "workspaces", "isUser", "userOf"];
const ENGINE_NAMES: readonly string[] = [...COMMON_NAMES, "engine", "stopsEngine"];
const SERVER_NAMES: readonly string[] = [...COMMON_NAMES, "url", "key", "fetch", "retryForMs"];
const WORKER_NAMES: readonly string[] = ["slots", "name", "graceMs"];

/**
 * Values are checked by the client and the worker that are made of them; a slip in a name would be silence.
 *
 * @throws {MillraceError} option.invalid
 */
export function checkOptions(options: MillraceOptions): void {
  const hasEngine = "engine" in options;
  if (hasEngine === "url" in options) {
    throw invalid("Exactly one of `engine` and `url` is needed");
  }
  if (hasEngine && typeof options.engine.connect !== "function") {
    throw invalid("`engine` must be an engine: it has no method `connect`");
  }
  refuseUnknown(Object.keys(options), hasEngine ? ENGINE_NAMES : SERVER_NAMES);
  const { worker = {} } = options;
  if (worker !== false) refuseUnknown(Object.keys(worker), WORKER_NAMES);
}

function refuseUnknown(names: readonly string[], known: readonly string[]): void {
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const near = nearName(unknown, known);
  const hint = near === undefined ? `There are ${known.join(", ")}` : `Did you mean "${near}"?`;
  throw invalid(`There is no option "${unknown}" of MillraceModule. ${hint}`);
}

const invalid = (message: string): MillraceError => new MillraceError("option.invalid", message);

import type { JsonValue } from "@millrace/protocol";
import { toException } from "./millrace-exception.ts";
import type { MillraceOptions } from "./options.ts";
import { toPayload } from "./payload.ts";
import type { RunOptions, RunReceipt } from "./run-item.ts";
import type { RunService } from "./run-service.ts";
import type { WorkflowClass } from "./workflow.ts";
import type { WorkspaceClass } from "./workspace.ts";

/** `RunService` for one request: runs are of the user whom the option `userOf` finds in it. */
export class UserRunService {
  readonly #runs: RunService;
  readonly #options: MillraceOptions;
  readonly #request: unknown;

  constructor(runs: RunService, options: MillraceOptions, request: unknown) {
    this.#runs = runs;
    this.#options = options;
    this.#request = request;
  }

  /** @throws {MillraceException} request.invalid: the request has no user; and as `RunService.run` */
  async run(
    workflow: string | WorkflowClass,
    workspace: string | WorkspaceClass,
    payload: unknown,
    options: RunOptions = {},
  ): Promise<RunReceipt> {
    const taken = take(payload);
    const userId = await this.#options.userOf?.(this.#request);
    return this.#runs.run(workflow, workspace, taken, userId ?? "", options);
  }
}

/** As it is at the call: who the user is may take a while, and the caller may go on with what it has given. */
function take(payload: unknown): JsonValue {
  try {
    return toPayload(payload);
  } catch (error) {
    throw toException(error);
  }
}

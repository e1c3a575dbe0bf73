import {
  MillraceError,
  toJsonText,
  type JsonValue,
  type ListedWorkflow,
  type WorkflowTransport,
} from "@millrace/protocol";
import type { HttpCaller } from "./http-caller.ts";
import { toQuery } from "./to-query.ts";
import type { WireCursor, WireWorkflow } from "./wire.ts";

const PATH = "/api/v1/workflows";

export function createWorkflows(caller: HttpCaller): WorkflowTransport {
  const pathOf = (workflow: string): string => `${PATH}/${encodeURIComponent(workflow)}`;
  /** A status that is there already changes nothing, so all of them may be repeated. */
  const move = async (
    workflow: string,
    to: "activate" | "pause" | "resume",
  ): Promise<ListedWorkflow> => {
    const path = `${pathOf(workflow)}/${to}`;
    return toListed((await caller.call({ method: "POST", path, isRepeatable: true })).data);
  };
  return {
    // A repeat would make a second one.
    create: async (definition) => {
      const body = toBody(definition);
      return toListed(
        (await caller.call({ method: "POST", path: PATH, body, isRepeatable: false })).data,
      );
    },
    // A repeat might meet the version that its first try has made.
    replace: async (workflow, definition) => {
      const body = toBody(definition);
      const path = pathOf(workflow);
      return toListed((await caller.call({ method: "PUT", path, body, isRepeatable: false })).data);
    },
    get: async (workflow) => {
      try {
        const path = pathOf(workflow);
        return toListed((await caller.call({ method: "GET", path, isRepeatable: true })).data);
      } catch (error) {
        if (MillraceError.is(error) && error.code === "workflow.not-found") return null;
        throw error;
      }
    },
    list: async (request) => {
      const path = `${PATH}${toQuery(request)}`;
      const { data, meta } = await caller.call({ method: "GET", path, isRepeatable: true });
      // As REST v1 prints them.
      const items = (data as readonly JsonValue[]).map(toListed);
      return { items, cursor: (meta as unknown as WireCursor).cursor };
    },
    activate: (workflow) => move(workflow, "activate"),
    pause: (workflow) => move(workflow, "pause"),
    resume: (workflow) => move(workflow, "resume"),
    archive: async (workflow) => {
      await caller.call({ method: "DELETE", path: pathOf(workflow), isRepeatable: true });
    },
  };
}

function toBody(definition: JsonValue): string {
  const written = toJsonText(definition);
  if (written.ok) return written.text;
  throw new MillraceError("definition.invalid", written.problem);
}

/** The definition's own fields are left out. */
function toListed(data: JsonValue): ListedWorkflow {
  // As REST v1 prints it.
  const { id, slug, name, kind, status, version } = data as unknown as WireWorkflow;
  return { id, slug, name, kind, status, version };
}

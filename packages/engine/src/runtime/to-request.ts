// What a host asks for, in the words of the core.
import type { CodeRequest } from "@millrace/protocol";
import { asJsonText } from "@millrace/protocol";
import type { OperationBody, Request } from "../core/program.ts";

export function toRequest(request: CodeRequest): Request {
  if (request.kind === "end") return request;
  return { kind: "operation", key: request.key, body: toBody(request) };
}

function toBody(request: Exclude<CodeRequest, { kind: "end" }>): OperationBody {
  switch (request.kind) {
    case "run": {
      const { key, retry, timeoutMs } = request;
      // The host has the body and all that it sees.
      return { kind: "call", executor: "code", target: key, input: NOTHING, retry, timeoutMs };
    }
    case "action": {
      const { target, input, retry, timeoutMs } = request;
      return { kind: "call", executor: "action", target, input, retry, timeoutMs };
    }
    case "sleep":
      return { kind: "timer", due: request.due };
    case "event": {
      const { event, timeoutMs, lookbackMs } = request;
      return { kind: "event", event, timeoutMs, lookbackMs };
    }
    case "invoke": {
      const { workflow, input, metadata, onParentEnd } = request;
      return {
        kind: "child",
        workflow,
        input,
        metadata: asJsonText(JSON.stringify(metadata)),
        isAbandoned: onParentEnd === "abandon",
      };
    }
    case "notify": {
      const { event, data, runId } = request;
      return { kind: "notify", event, data, runId };
    }
    case "note":
      return { kind: "value", outcome: { status: "completed", output: request.output } };
  }
}

const NOTHING = asJsonText("null");

// Which runs a list holds, as its query says it.
import type { RunListFilter } from "@millrace/engine";
import {
  checkName,
  parseRunId,
  RUN_STATUSES,
  TRIGGER_TYPES,
  type RunId,
  type RunStatus,
} from "@millrace/protocol";
import type { ParameterSchemas } from "../../route.ts";
import { readInstant } from "./read-instant.ts";
import {
  readCursor,
  readLimit,
  readQuery,
  type QueryReader,
  type QueryShape,
} from "./read-query.ts";
import { described, NAME, oneOf, TEXT } from "./schemas/json-schema.ts";

const METADATA = "metadata.";

/** Beside those of every list. An object in a query is one parameter for each of its properties: OpenAPI's `form`. */
export const RUN_LIST_QUERY: ParameterSchemas = {
  workflowId: described("Only those of this workflow: its id or slug.", NAME),
  status: described("Only those of these statuses, with commas between: `failed,cancelled`.", TEXT),
  createdAfter: described("Only those created after it.", { type: "string", format: "date-time" }),
  createdBefore: described("Only those created before it.", {
    type: "string",
    format: "date-time",
  }),
  trigger: described("Only those that were started so.", oneOf(...TRIGGER_TYPES)),
  workspace: described("Only those of this workspace.", NAME),
  user: described("Only those of this user.", NAME),
  metadata: {
    description:
      "`metadata.<key>=<text>`: only those whose metadata has this text under this key. May be sent for several keys.",
    type: "object",
    propertyNames: { pattern: "^metadata\\..+" },
    additionalProperties: TEXT,
    examples: [{ "metadata.order": "7" }],
  },
};

interface RunList {
  readonly limit: number | undefined;
  readonly cursor: RunId | undefined;
  readonly filter: RunListFilter;
}

/** @throws {MillraceError} request.invalid */
export function readRunList(request: Request): RunList {
  const names = metadataNames(request);
  const shape: QueryShape = Object.fromEntries(names.map((name) => [name, readText]));
  const { limit, cursor, workflowId, status, ...rest } = readQuery(request, { ...SHAPE, ...shape });
  const { createdAfter, createdBefore, trigger, workspace, user } = rest;
  const wanted: Readonly<Record<string, unknown>> = rest;
  // Not by assignment: a key `__proto__` is a key like any other.
  const metadata = Object.fromEntries(
    names.map((name) => [name.slice(METADATA.length), String(wanted[name])]),
  );
  const filter: RunListFilter = {
    ...(workflowId === undefined ? {} : { workflow: workflowId }),
    ...(status === undefined ? {} : { statuses: status }),
    ...(createdAfter === undefined ? {} : { createdAfter }),
    ...(createdBefore === undefined ? {} : { createdBefore }),
    ...(trigger === undefined ? {} : { trigger }),
    ...(names.length === 0 ? {} : { metadata }),
    ...(workspace === undefined ? {} : { workspace }),
    ...(user === undefined ? {} : { user }),
  };
  return { limit, cursor, filter };
}

function metadataNames({ url }: Request): readonly string[] {
  const start = url.indexOf("?");
  const names = start < 0 ? [] : [...new URLSearchParams(url.slice(start)).keys()];
  return names.filter((name) => name.startsWith(METADATA) && name.length > METADATA.length);
}

const readText: QueryReader<string> = (text) => ({ value: text });

const readWord: QueryReader<string> = (text) => {
  const problem = checkName(text);
  return problem === undefined ? { value: text } : { problem };
};

const readTrigger: QueryReader<(typeof TRIGGER_TYPES)[number]> = (text) => {
  const found = TRIGGER_TYPES.find((trigger) => trigger === text);
  return found === undefined
    ? { problem: `Expected one of ${TRIGGER_TYPES.join(", ")}` }
    : { value: found };
};

const readStatuses: QueryReader<readonly RunStatus[]> = (text) => {
  const found = text
    .split(",")
    .map((name) => RUN_STATUSES.find((status) => status === name.trim()));
  const known = found.filter((status) => status !== undefined);
  return known.length < found.length
    ? { problem: `Expected some of ${RUN_STATUSES.join(", ")}, with commas between` }
    : { value: known };
};

const SHAPE = {
  limit: readLimit,
  cursor: readCursor(parseRunId),
  workflowId: readWord,
  status: readStatuses,
  createdAfter: readInstant,
  createdBefore: readInstant,
  trigger: readTrigger,
  workspace: readWord,
  user: readWord,
} as const;

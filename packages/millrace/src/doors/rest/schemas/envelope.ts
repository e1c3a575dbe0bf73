// What stands around every answer of REST v1.
import { ERROR_CODES } from "@millrace/protocol";
import type { AnswerSchema, JsonSchema, ParameterSchemas } from "../../../route.ts";
import {
  constant,
  described,
  FLAG,
  listOf,
  oneOf,
  orNull,
  shown,
  TEXT,
  titled,
} from "./json-schema.ts";

export const ISSUE: JsonSchema = titled(
  "Issue",
  shown(
    {
      path: described("Where: names of fields and places in lists.", {
        type: "array",
        items: { type: ["string", "integer"] },
      }),
      field: described("The path as people write one: `steps[0].id`.", TEXT),
      message: TEXT,
      hint: described("What to do.", TEXT),
    },
    ["hint"],
  ),
);

const WIRE_CODES = [...new Set(Object.values(ERROR_CODES).map(({ wire }) => wire))].toSorted();

export const ERROR_ENVELOPE: JsonSchema = titled(
  "Error",
  shown({
    success: constant(false),
    error: shown(
      {
        code: oneOf(...WIRE_CODES),
        message: described("For people; it may change.", TEXT),
        details: described("Every mistake, not only the first.", listOf(ISSUE)),
        reason: described("The stable code.", oneOf(...Object.keys(ERROR_CODES).toSorted())),
      },
      ["details"],
    ),
  }),
);

const PAGE_META: JsonSchema = titled(
  "PageMeta",
  shown({
    cursor: described("Leads to the next page; `null`: this is the last.", orNull(TEXT)),
    hasMore: FLAG,
  }),
);

export const WARNINGS_META: JsonSchema = titled("Warnings", shown({ warnings: listOf(ISSUE) }));

interface More {
  readonly headers?: ParameterSchemas;
  /** What may stand in `meta`. */
  readonly meta?: JsonSchema;
}

/** One thing, in the envelope. */
export function dataOf(description: string, data: JsonSchema, more: More = {}): AnswerSchema {
  const { headers, meta } = more;
  const base = { success: constant(true), data };
  const schema = meta === undefined ? shown(base) : shown({ ...base, meta }, ["meta"]);
  return headers === undefined ? { description, schema } : { description, schema, headers };
}

/** One page of a list, in the envelope. */
export const pageOf = (description: string, item: JsonSchema): AnswerSchema => ({
  description,
  schema: shown({ success: constant(true), data: listOf(item), meta: PAGE_META }),
});

/** Query of a list. */
export const PAGE_QUERY: ParameterSchemas = {
  limit: {
    description: "Most items of the page.",
    type: "integer",
    minimum: 1,
    maximum: 100,
    default: 50,
  },
  cursor: { description: "`meta.cursor` of the page before.", type: "string", minLength: 1 },
};

export const LOCATION: ParameterSchemas = { location: described("Path of what was made.", TEXT) };

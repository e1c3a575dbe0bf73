// The answers of a route: those that it says itself, then its faults, by status.
import { ERROR_CODES, type ErrorCode, type JsonValue } from "@millrace/protocol";
import type { AnswerSchema, JsonSchema, ParameterSchemas, Route } from "../../route.ts";
import { ERROR_ENVELOPE } from "../rest/schemas/envelope.ts";
import type { Components } from "./components.ts";
import { faultsOf } from "./faults.ts";

type JsonObject = { readonly [key: string]: JsonValue };

const JSON_TYPE = "application/json";

/** Faults that follow from the kind of a route are said once, and referred to elsewhere. */
export class Responses {
  readonly #components: Components;
  readonly #shared = new Map<string, JsonObject>();

  constructor(components: Components) {
    this.#components = components;
  }

  /** By status, ascending. */
  of(route: Route): JsonObject {
    const faults = Map.groupBy(faultsOf(route), (code): number => ERROR_CODES[code].status);
    const statuses = new Set([...Object.keys(route.answers).map(Number), ...faults.keys()]);
    return Object.fromEntries(
      [...statuses].map((status) => [
        String(status),
        this.#respond(route, route.answers[status], faults.get(status) ?? []),
      ]),
    );
  }

  /** By name, in the order of the names. */
  list(): JsonObject {
    return Object.fromEntries([...this.#shared].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  #respond(
    route: Route,
    answer: AnswerSchema | undefined,
    codes: readonly ErrorCode[],
  ): JsonObject {
    const shown = [answer, toFault(codes)].filter((it) => it !== undefined);
    const response = toResponse(shown, this.#components);
    const isOwn = codes.some((code) => route.faults?.includes(code) === true);
    if (answer !== undefined || isOwn) return response;
    const name = codes.map(toPascalCase).join("Or");
    this.#shared.set(name, response);
    return { $ref: `#/components/responses/${name}` };
  }
}

/** `RequestTooLarge`, of `request.too-large`. */
const toPascalCase = (code: string): string =>
  code
    .split(/[.-]/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("");

function toFault(codes: readonly ErrorCode[]): AnswerSchema | undefined {
  if (codes.length === 0) return undefined;
  const lines = codes.map((code) => `- \`${code}\`: ${ERROR_CODES[code].sentence}`);
  return { description: lines.join("\n"), schema: ERROR_ENVELOPE };
}

/** A status may mean an answer and a fault; then the body is one of both. */
function toResponse(shown: readonly AnswerSchema[], components: Components): JsonObject {
  const contents = Map.groupBy(shown, ({ contentType = JSON_TYPE }) => contentType);
  const content = Array.from(contents, ([type, answers]) => {
    const schemas = answers.flatMap(({ schema }) =>
      schema === null ? [] : [components.refer(schema)],
    );
    const [first] = schemas;
    const schema: JsonSchema | undefined = schemas.length > 1 ? { anyOf: schemas } : first;
    return schema === undefined ? [] : [[type, { schema }] as const];
  }).flat();
  const headers = Object.assign({}, ...shown.map((it) => it.headers ?? {})) as ParameterSchemas;
  return {
    description: shown.map(({ description }) => description).join("\n\n"),
    ...(Object.keys(headers).length === 0 ? {} : { headers: toHeaders(headers) }),
    ...(content.length === 0 ? {} : { content: Object.fromEntries(content) }),
  };
}

const toHeaders = (headers: ParameterSchemas): JsonObject =>
  Object.fromEntries(
    Object.entries(headers).map(([name, { description = "", ...schema }]) => [
      name,
      { description, schema },
    ]),
  );

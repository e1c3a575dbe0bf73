// What a route answers: its own answers and faults by status, and once for all the faults of its kind.
import { fieldsOf } from "../../packages/millrace/src/doors/openapi/schema-words.ts";
import {
  bodyOf,
  JSON_TYPE,
  scopeOf,
  type Operation,
  type ResponseObject,
  type RestDocument,
} from "./document.ts";
import { renderType, toTable } from "./markdown.ts";

/** What a response says of a fault: a code, and what it means. */
const FAULT = /^- `([a-z.-]+)`: (.*)$/;

export function renderAnswers(
  operation: Operation,
  document: RestDocument,
  kinds: readonly Kind[],
): string {
  const usual = new Set(
    kinds.flatMap(({ holds, faults }) => (holds(operation) ? [...faults] : [])),
  );
  const rows = readResponses(operation, document).flatMap(({ status, response }) => {
    const words = linesOf(response)
      .filter((line) => !FAULT.test(line))
      .join(" ");
    const meaning = words + renderHeaders(response);
    return words === "" ? [] : [{ status, cells: [meaning, renderContent(response)] }];
  });
  const faults = readFaults(operation, document)
    .filter((it) => !usual.has(nameOf(it)))
    .map(({ status, code, sentence }) => ({ status, cells: [sentence, `\`${code}\``] }));
  const sorted = [...rows, ...faults].toSorted((a, b) => Number(a.status) - Number(b.status));
  return toTable(
    ["Status", "Meaning", "Answer"],
    sorted.map(({ status, cells }) => [status, ...cells]),
  );
}

interface Fault {
  readonly status: string;
  readonly code: string;
  readonly sentence: string;
}

const nameOf = ({ status, code }: Fault): string => `${status} \`${code}\``;

const readFaults = (operation: Operation, document: RestDocument): readonly Fault[] =>
  readResponses(operation, document).flatMap(({ status, response }) =>
    linesOf(response).flatMap((line) => {
      const [, code, sentence = ""] = FAULT.exec(line) ?? [];
      return code === undefined ? [] : [{ status, code, sentence }];
    }),
  );

const linesOf = ({ description }: ResponseObject): readonly string[] =>
  description.split("\n").filter((line) => line !== "");

const readResponses = (
  { responses }: Operation,
  document: RestDocument,
): readonly { readonly status: string; readonly response: ResponseObject }[] =>
  Object.entries(responses).map(([status, given]) => ({
    status,
    response: "$ref" in given ? findResponse(given.$ref, document) : given,
  }));

export interface Kind {
  readonly name: string;
  readonly holds: (operation: Operation) => boolean;
  /** Status and code of the faults that all of its routes have, less those of the kinds before. */
  readonly faults: ReadonlySet<string>;
}

const KINDS: readonly Omit<Kind, "faults">[] = [
  { name: "any", holds: () => true },
  { name: "that needs a key", holds: (one) => scopeOf(one) !== null },
  { name: "that takes a body", holds: (one) => bodyOf(one) !== undefined },
];

/** What follows from the kind of a route is said once. */
export function findKinds(
  operations: readonly Operation[],
  document: RestDocument,
): readonly Kind[] {
  const told = new Set<string>();
  return KINDS.map((kind) => {
    const members = operations.filter(kind.holds);
    const lists = members.map((one) => new Set(readFaults(one, document).map(nameOf)));
    const [first = new Set<string>()] = lists;
    const common = [...first].filter((it) => lists.every((list) => list.has(it)) && !told.has(it));
    for (const it of common) told.add(it);
    return { ...kind, faults: new Set(common) };
  });
}

export const renderKinds = (kinds: readonly Kind[]): string =>
  toTable(
    ["Route", "May also answer"],
    kinds.map(({ name, faults }) => [name, [...faults].join(", ")]),
  );

function findResponse($ref: string, { components }: RestDocument): ResponseObject {
  const response = components.responses[$ref.split("/").at(-1) ?? ""];
  if (response === undefined) throw new Error(`the document has no ${$ref}`);
  return response;
}

function renderHeaders({ headers = {} }: ResponseObject): string {
  const shown = Object.entries(headers).map(
    ([name, { description }]) => `\`${name}\` (${description.replace(/\.$/, "")})`,
  );
  return shown.length === 0 ? "" : ` Headers: ${shown.join(", ")}.`;
}

/** Of the envelope what it holds; anything else as it is. */
function renderContent({ content = {} }: ResponseObject): string {
  const shown = Object.entries(content).map(([type, { schema }]) => {
    if (type !== JSON_TYPE) return `\`${type}\``;
    const held = fieldsOf(schema).filter(({ name }) => name !== "success");
    if (held.length === 0 || schema["properties"] === undefined) return renderType(schema);
    return held.map((it) => `\`${it.name}\`: ${renderType(it.schema)}`).join("; ");
  });
  return shown.length === 0 ? "no body" : shown.join("; ");
}

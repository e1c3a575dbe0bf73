// The reference of REST v1 as a page: what the OpenAPI document says, for people. Written by `npm run openapi`.
import {
  descriptionOf,
  fieldsOf,
  insideOf,
  partsOf,
  referenceOf,
} from "../../packages/millrace/src/doors/openapi/schema-words.ts";
import { toCommand } from "../../packages/millrace/src/doors/openapi/command.ts";
import type { JsonSchema, Route } from "../../packages/millrace/src/route.ts";
import { findKinds, renderAnswers, renderKinds, type Kind } from "./answers.ts";
import { bodyOf, scopeOf, type Operation, type Parameter, type RestDocument } from "./document.ts";
import { link, linkSchema, renderType, toTable } from "./markdown.ts";

interface Shown {
  readonly route: Route;
  readonly operation: Operation;
}

/** Of the engine: too long for this page, and a guide explains it. */
const DEFINITION = "WorkflowDefinition";

/** Markdown, before Prettier. @param routes those of the document, in the order of the page */
export function toRestPage(document: RestDocument, routes: readonly Route[]): string {
  const shown = routes.map((route): Shown => ({ route, operation: operationOf(document, route) }));
  const groups = Map.groupBy(shown, ({ operation }) => operation.tags[0] ?? "");
  const bodies = findOwnBodies(document);
  const kinds = findKinds(
    shown.map(({ operation }) => operation),
    document,
  );
  const parts = [
    ...HEAD,
    document.info.description,
    ...renderRoutes(shown),
    "Beside its own faults, a route answers with those of its kind:",
    renderKinds(kinds),
    ...Array.from(groups, ([tag, members]) => [
      `## Routes of \`${tag}\``,
      ...members.flatMap((it) => renderRoute(it, document, kinds)),
    ]).flat(),
    "## Schemas",
    "Objects that routes take and give. A star marks a field that must be there, or always is.",
    ...Object.entries(document.components.schemas)
      .filter(([name]) => !bodies.has(name))
      .flatMap(([name, schema]) => renderComponent(name, schema)),
  ];
  return `${parts.join("\n\n")}\n`;
}

const HEAD = [
  "# REST v1",
  "Every route with what it takes, gives and refuses. How to use them is in [the REST API](../learning/rest-api.md); " +
    "codes of faults are in [errors](errors.md).",
  "This page is generated from [the OpenAPI document](openapi.json) by `npm run openapi`. A server has the document " +
    "at `/api/v1/openapi.json`, and shows it at `/api/v1/docs`.",
];

function operationOf({ paths }: RestDocument, { method, path }: Route): Operation {
  const template = path.replaceAll(/:(\w+)/g, "{$1}");
  const operation = paths[template]?.[method.toLowerCase()];
  if (operation === undefined) throw new Error(`the document has no ${method} ${path}`);
  return operation;
}

/** Bodies that one route alone takes: its section lists their fields. */
function findOwnBodies({ paths, components }: RestDocument): ReadonlySet<string> {
  const count = (name: string): number =>
    JSON.stringify([paths, components]).split(`"#/components/schemas/${name}"`).length - 1;
  const operations = Object.values(paths).flatMap((it) => Object.values(it));
  const names = operations.flatMap((it) => referenceOf(bodyOf(it) ?? {}) ?? []);
  return new Set(names.filter((name) => count(name) === 1));
}

/** `probe`: never limited. */
const limitOf = (operation: Operation): string =>
  operation["x-category"] === "probe" || scopeOf(operation) === null
    ? ""
    : `\`${operation["x-category"]}\``;

const renderRoutes = (shown: readonly Shown[]): readonly string[] => [
  toTable(
    ["Method", "Path", "Scope", "Limit", "What it does"],
    shown.map(({ route, operation }) => [
      route.method,
      `\`${route.path}\``,
      scopeOf(operation) === null ? "public" : `\`${scopeOf(operation) ?? ""}\``,
      limitOf(operation),
      link(operation.summary, operation.summary),
    ]),
  ),
  "_Limit_: the [category](../learning/limits.md) in which a request counts. A GET route answers HEAD, too.",
];

function renderRoute(
  { route, operation }: Shown,
  document: RestDocument,
  kinds: readonly Kind[],
): readonly string[] {
  const { summary, description, parameters } = operation;
  const body = bodyOf(operation);
  return [
    `### ${summary}`,
    `\`${route.method} ${route.path}\`: ${renderNeed(operation)}.`,
    ...(description === undefined ? [] : [description]),
    ...(parameters.length === 0 ? [] : [renderParameters(parameters)]),
    ...(body === undefined ? [] : renderBody(body, document)),
    renderAnswers(operation, document, kinds),
    `\`\`\`sh\n${toCommand(route)}\n\`\`\``,
  ];
}

function renderNeed(operation: Operation): string {
  const scope = scopeOf(operation);
  if (scope === null) return "needs no key";
  const limit = limitOf(operation);
  return `needs a key with \`${scope}\`${limit === "" ? "" : `, counts as ${limit}`}`;
}

const renderParameters = (parameters: readonly Parameter[]): string =>
  toTable(
    ["Parameter", "In", "Type", "Meaning"],
    parameters.map(({ name, in: place, description, required, schema }) => [
      `\`${name}\`${required ? " \\*" : ""}`,
      place,
      renderType(schema),
      description,
    ]),
  );

function renderBody(body: JsonSchema, { components }: RestDocument): readonly string[] {
  const name = referenceOf(body);
  const schema = name === null ? body : (components.schemas[name] ?? {});
  const table = renderFields("Body", schema);
  const base = partsOf(schema).flatMap((it) => referenceOf(it) ?? []);
  const words = base.map((it) => `The body is a ${linkSchema(it)}; beside it may stand:`);
  if (table !== null) return [...words, table];
  return ["The body has no fields."];
}

interface Row {
  readonly name: string;
  readonly schema: JsonSchema;
  readonly isRequired: boolean;
}

/** With the fields of objects inside that have no name of their own. */
function listFields(schema: JsonSchema, before = ""): readonly Row[] {
  const own = fieldsOf(schema).flatMap((field): readonly Row[] => {
    const name = before + field.name;
    const inside = insideOf(field.schema);
    const inner = inside === null ? [] : listFields(inside.schema, name + inside.way);
    return [{ ...field, name }, ...inner];
  });
  return [...partsOf(schema).flatMap((part) => listFields(part, before)), ...own];
}

/** null: it has none. */
function renderFields(title: string, schema: JsonSchema): string | null {
  const rows = listFields(schema).map((it) => [
    `\`${it.name}\`${it.isRequired ? " \\*" : ""}`,
    renderType(it.schema),
    descriptionOf(it.schema),
  ]);
  return rows.length === 0 ? null : toTable([title, "Type", "Meaning"], rows);
}

function renderComponent(name: string, schema: JsonSchema): readonly string[] {
  const words = descriptionOf(schema);
  const about = [`### ${name}`, ...(words === "" ? [] : [words])];
  if (name === DEFINITION) return [...about, DEFINITION_WORDS];
  const table = renderFields("Field", insideOf(schema)?.schema ?? schema);
  return [...about, table ?? `Is ${renderType(schema)}.`];
}

const DEFINITION_WORDS =
  "Is explained in [JSON workflows](../learning/json-workflows.md); all of it is in [the document](openapi.json).";

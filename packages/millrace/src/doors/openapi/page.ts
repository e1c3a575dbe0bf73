// The routes as one page that loads nothing and runs nothing: markup and a style, held by its policy.
import { ERROR_CODES, type ErrorCode } from "@millrace/protocol";
import { createHash } from "node:crypto";
import { DEFINITION_COMPONENT } from "../rest/schemas/workflow.ts";
import type { AnswerSchema, JsonSchema, ParameterSchemas, Route } from "../../route.ts";
import { toCommand } from "./command.ts";
import { Components } from "./components.ts";
import { readDefinitionSchema } from "./definition-schema.ts";
import { tagOf } from "./document.ts";
import { faultsOf } from "./faults.ts";
import { Html, html, inline, NOTHING, prose } from "./html.ts";
import { renderField, renderSchema, renderTable, renderType } from "./page-schema.ts";
import { STYLE } from "./page-style.ts";
import { fieldsOf, insideOf } from "./schema-words.ts";

/** Not in a template of markup: its hash counts every space. */
const STYLE_TAG = new Html(`<style>${STYLE}</style>`);
const STYLE_HASH = createHash("sha256").update(STYLE).digest("base64");

export const PAGE_POLICY: string = [
  "default-src 'none'",
  `style-src 'sha256-${STYLE_HASH}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** @param origin of the server, for the lines to paste */
export function renderPage(routes: readonly Route[], origin: string): string {
  const components = new Components();
  const groups = Map.groupBy(routes, tagOf);
  const sections = Array.from(
    groups,
    ([tag, members]) =>
      html`<h2>${tag}</h2>
        ${members.map((route) => renderRoute(route, components, origin))}`,
  );
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>Millrace REST v1</title>
        ${STYLE_TAG}
      </head>
      <body>
        <header>
          <h1>Millrace REST v1</h1>
          <p>
            As <a href="/api/v1/openapi.json">OpenAPI 3.1</a>. Set <code>KEY</code> to an API key,
            and the lines below can be pasted into a shell. A star marks what must be there.
          </p>
        </header>
        ${renderNavigation(groups)}
        <main>
          ${sections}
          <h2>schemas</h2>
          ${renderSchemas(components)}
        </main>
      </body>
    </html>`;
  return page.text;
}

const anchorOf = ({ method, path }: Route): string =>
  `${method.toLowerCase()}${path.replaceAll(/[^a-z0-9]+/gi, "-")}`;

const renderNavigation = (groups: ReadonlyMap<string, readonly Route[]>): Html =>
  html`<nav aria-label="Routes">
    ${Array.from(
      groups,
      ([tag, routes]) =>
        html`<h2>${tag}</h2>
          <ul>
            ${routes.map((it) => html`<li><a href="#${anchorOf(it)}">${it.summary}</a></li>`)}
          </ul>`,
    )}
  </nav>`;

function renderRoute(route: Route, components: Components, origin: string): Html {
  const { method, path, scope, summary, description, body, params, query, headers } = route;
  return html`<section id="${anchorOf(route)}">
    <h3>${summary}</h3>
    <p><span class="method">${method}</span> <span class="path">${path}</span></p>
    ${description === undefined ? NOTHING : prose(description)}
    <p>${scope === "public" ? "Needs no key." : inline(`Needs a key with \`${scope}\`.`)}</p>
    ${renderParameters("Path", params, true)} ${renderParameters("Query", query, false)}
    ${renderParameters("Headers", headers, false)}
    ${
      body === undefined
        ? NOTHING
        : html`<h4>Body</h4>
            ${renderSchema(components.refer(body))}`
    }
    <h4>Answers</h4>
    ${Object.entries(route.answers).map(([status, it]) => renderAnswer(status, it, components))}
    ${renderFaults(route)}
    <h4>Try it</h4>
    <pre><code>${toCommand(route, origin)}</code></pre>
  </section>`;
}

function renderParameters(
  title: string,
  schemas: ParameterSchemas | undefined,
  isRequired: boolean,
): Html {
  const rows = Object.entries(schemas ?? {}).map(([name, it]) => renderField(name, it, isRequired));
  return rows.length === 0
    ? NOTHING
    : html`<h4>${title}</h4>
        ${renderTable(rows)}`;
}

function renderAnswer(status: string, answer: AnswerSchema, components: Components): Html {
  const { description, schema, contentType } = answer;
  const type = contentType === undefined ? "" : ` \`${contentType}\``;
  return html`<p><strong>${status}</strong> ${inline(description + type)}</p>
    ${schema === null ? NOTHING : renderContent(components.refer(schema))}`;
}

/** Of the envelope what it holds: that it says `success` is the same everywhere. */
function renderContent(schema: JsonSchema): Html {
  const fields = fieldsOf(schema);
  const held = fields.filter(({ name }) => name !== "success");
  if (held.length === fields.length || held.length === 0) return renderSchema(schema);
  if (held.some((it) => insideOf(it.schema) !== null)) {
    return renderTable(held.map((it) => renderField(it.name, it.schema, it.isRequired)));
  }
  return html`<ul>
    ${held.map((it) => html`<li><code>${it.name}</code> ${renderType(it.schema)}</li>`)}
  </ul>`;
}

function renderFaults(route: Route): Html {
  const own = new Set<string>(route.faults);
  const codes = faultsOf(route).toSorted((a, b) => ERROR_CODES[a].status - ERROR_CODES[b].status);
  const rows = (isOwn: boolean): readonly Html[] =>
    codes.filter((code) => own.has(code) === isOwn).map(renderFault);
  return html`${own.size === 0 ? NOTHING : renderFaultTable(rows(true))}
    <details>
      <summary>Faults that follow from its kind</summary>
      ${renderFaultTable(rows(false))}
    </details>`;
}

const renderFaultTable = (rows: readonly Html[]): Html =>
  html`<table class="faults">
    <thead>
      <tr>
        <th>Fault</th>
        <th>Code</th>
        <th>Meaning</th>
      </tr>
    </thead>
    <tbody>
      ${rows}
    </tbody>
  </table>`;

function renderFault(code: ErrorCode): Html {
  const { status, sentence } = ERROR_CODES[code];
  return html`<tr>
    <td>${status}</td>
    <td><code>${code}</code></td>
    <td>${inline(sentence)}</td>
  </tr>`;
}

/** Those that were met while the routes were rendered, and the definition that some of them lead to. */
function renderSchemas(components: Components): Html {
  const sections = Object.entries(components.list()).map(
    ([name, schema]) =>
      html`<section id="schema-${name}">
        <h3>${name}</h3>
        ${typeof schema["description"] === "string" ? prose(schema["description"]) : NOTHING}
        ${renderSchema(schema)}
      </section>`,
  );
  return html`${sections}${renderDefinition()}`;
}

function renderDefinition(): Html {
  const schema = readDefinitionSchema(DEFINITION_COMPONENT);
  return html`<section id="schema-${DEFINITION_COMPONENT}">
    <h3>${DEFINITION_COMPONENT}</h3>
    ${renderSchema(withoutParts(schema))}
    <details>
      <summary>All of it, as JSON Schema</summary>
      <pre><code>${JSON.stringify(schema, null, 2)}</code></pre>
    </details>
  </section>`;
}

/** Links to parts lead to no section of their own. */
function withoutParts(schema: JsonSchema): JsonSchema {
  const text = JSON.stringify(schema).replaceAll(
    /"#\/components\/schemas\/\w+\/\$defs\/\w+"/g,
    `"#/components/schemas/${DEFINITION_COMPONENT}"`,
  );
  // The same schema, with other references.
  return JSON.parse(text) as JsonSchema;
}

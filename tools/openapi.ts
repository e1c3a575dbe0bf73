// `npm run openapi`: writes what is generated from the routes: the OpenAPI document, and the reference page that it gives.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { format } from "prettier";
import { OPERATING_DOOR } from "../packages/millrace/src/doors/operating/door.ts";
import { REST_DOOR } from "../packages/millrace/src/doors/rest/door.ts";
import { createDocument } from "../packages/millrace/src/doors/openapi/document.ts";
import type { RestDocument } from "./rest-reference/document.ts";
import { toRestPage } from "./rest-reference/page.ts";
import { ROOT } from "./workspace.ts";

export const COPY = "docs/reference/openapi.json";
export const PAGE = "docs/reference/rest.md";

const ROUTES = [...REST_DOOR.routes, ...OPERATING_DOOR.routes];

/** As Prettier would leave it. */
export function printDocument(): Promise<string> {
  return format(JSON.stringify(createDocument(ROUTES)), { parser: "json", printWidth: 100 });
}

/** As Prettier would leave it. */
export function printPage(): Promise<string> {
  // Made by ourselves, in this form.
  const document = createDocument(ROUTES) as unknown as RestDocument;
  return format(toRestPage(document, ROUTES), { parser: "markdown", printWidth: 100 });
}

if (import.meta.main) {
  writeFileSync(join(ROOT, COPY), await printDocument());
  writeFileSync(join(ROOT, PAGE), await printPage());
  process.stdout.write(`${COPY} and ${PAGE} are written\n`);
}

// `npm run openapi`: writes the OpenAPI document of the routes to its committed copy.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { format } from "prettier";
import { OPERATING_DOOR } from "../packages/millrace/src/doors/operating/door.ts";
import { REST_DOOR } from "../packages/millrace/src/doors/rest/door.ts";
import { createDocument } from "../packages/millrace/src/doors/openapi/document.ts";
import { ROOT } from "./workspace.ts";

export const COPY = "docs/reference/openapi.json";

/** As Prettier would leave it. */
export function printDocument(): Promise<string> {
  const document = createDocument([...REST_DOOR.routes, ...OPERATING_DOOR.routes]);
  return format(JSON.stringify(document), { parser: "json", printWidth: 100 });
}

if (import.meta.main) {
  writeFileSync(join(ROOT, COPY), await printDocument());
  process.stdout.write(`${COPY} is written\n`);
}

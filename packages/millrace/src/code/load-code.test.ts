import { describe, expect, test } from "vitest";
import { plantFolder } from "../../../../tools/testkit/planted-folder.ts";
import { findModules, loadCode } from "./load-code.ts";

const loadAll = async (path: string) => loadCode(await findModules(path));
const load = async (path: string) => (await loadAll(path)).functions;

describe("functions of a folder", () => {
  test("are registered by the name under which a module exports them", async () => {
    await using folder = await plantFolder({
      "package.json": `{ "type": "module" }`,
      "billing.ts": `export const charge = (amount: number): number => amount * 2;
                     export function refund(): string { return "done"; }`,
      "mail.js": `export async function send() {}
                  export const LIMIT = 3;
                  export class MailError extends Error {}`,
      "types.d.ts": `export declare function nothing(): void;`,
      "billing.test.ts": `throw new Error("a test is not loaded");`,
      "lib/helper.ts": `throw new Error("a subfolder is not loaded");`,
    });
    const functions = await load(folder.path);
    expect(Object.keys(functions).toSorted()).toEqual(["charge", "refund", "send"]);
    expect(functions["charge"]?.(4 as never, {} as never)).toBe(8);
  });

  test("may come to the same name twice if it is the same function", async () => {
    await using folder = await plantFolder({
      "package.json": `{ "type": "module" }`,
      "a.js": `export const go = () => 1;`,
      "b.js": `export { go } from "./a.js";`,
    });
    expect(Object.keys(await load(folder.path))).toEqual(["go"]);
  });

  test("of one name in two files are refused, and the message names both", async () => {
    await using folder = await plantFolder({
      "package.json": `{ "type": "module" }`,
      "a.js": `export const go = () => 1;`,
      "b.js": `export const go = () => 2;`,
    });
    await expect(load(folder.path)).rejects.toThrow(
      `Two files export a function "go": ${folder.path}/a.js and ${folder.path}/b.js.`,
    );
  });

  test("are refused when their module throws, and the message names it", async () => {
    await using folder = await plantFolder({
      "package.json": `{ "type": "module" }`,
      "broken.js": `throw new Error("no database");`,
    });
    await expect(load(folder.path)).rejects.toThrow(
      `${folder.path}/broken.js cannot be loaded: no database`,
    );
  });

  test("are refused with the line that threw, also in a file that is imported", async () => {
    await using folder = await plantFolder({
      "package.json": `{ "type": "module" }`,
      "a.js": `import "./inside/b.js";`,
      "inside/b.js": `\nthrow new Error("no database");`,
    });
    await expect(load(folder.path)).rejects.toThrow(
      `a.js cannot be loaded: no database (line 2 of ${folder.path}/inside/b.js)`,
    );
  });

  test("need a name: one exported as default is refused", async () => {
    await using folder = await plantFolder({
      "package.json": `{ "type": "module" }`,
      "a.js": `export default () => 1;`,
    });
    await expect(load(folder.path)).rejects.toThrow(
      /exports a function as default; give it a name/,
    );
  });

  test("are told when there is no such folder", async () => {
    await expect(load("/no/such/folder")).rejects.toThrow(
      "Cannot read the folder of functions /no/such/folder.",
    );
  });
});

/** What `workflow(…)` returns, as far as a loader looks. */
const aWorkflow = (name: string, version = "1"): string =>
  `{ name: "${name}", input: undefined, output: undefined, settings: { version: "${version}" }, fn: () => 1 }`;

describe("workflows of a folder", () => {
  test("are loaded whatever their export is called, each version for itself", async () => {
    await using folder = await plantFolder({
      "package.json": `{ "type": "module" }`,
      "a.js": `export default ${aWorkflow("order")}; export const later = ${aWorkflow("order", "2")};`,
      "b.js": `export { later as again } from "./a.js";`,
    });
    const { workflows, warnings } = await loadAll(folder.path);
    expect(
      workflows.map(({ workflow, origin }) => [workflow.settings.version, origin.name]),
    ).toEqual([
      ["1", "default"],
      ["2", "later"],
    ]);
    expect(warnings).toEqual([]);
  });

  test("of one name and version are refused, and the message names both exports", async () => {
    await using folder = await plantFolder({
      "package.json": `{ "type": "module" }`,
      "a.js": `export const one = ${aWorkflow("order")};`,
      "b.js": `export const two = ${aWorkflow("order")};`,
    });
    await expect(load(folder.path)).rejects.toThrow(
      `Two exports are workflow "order" in version "1": export one of ${folder.path}/a.js and export two of ${folder.path}/b.js.`,
    );
  });

  test("may stand beside their contract; a contract alone is told with what is missing", async () => {
    const contract = (name: string): string =>
      `{ name: "${name}", input: undefined, output: undefined }`;
    await using folder = await plantFolder({
      "package.json": `{ "type": "module" }`,
      "a.js": `export const contract = ${contract("order")}; export const order = ${aWorkflow("order")};
               export const lonely = ${contract("ship")};`,
    });
    expect((await loadAll(folder.path)).warnings).toEqual([
      `export lonely of ${folder.path}/a.js is the contract of workflow "ship" without its code; export what implement(…) returns.`,
    ]);
  });
});

test("an export that is neither function nor workflow is told, with what to do", async () => {
  await using folder = await plantFolder({
    "package.json": `{ "type": "module" }`,
    "a.js": `export const LIMIT = 3;`,
  });
  expect((await loadAll(folder.path)).warnings).toEqual([
    `export LIMIT of ${folder.path}/a.js is neither a function nor a workflow, so it is not loaded; keep what only other files need in a subfolder.`,
  ]);
});

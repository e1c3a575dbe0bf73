import { describe, expect, test } from "vitest";
import { plantFolder } from "../../../../tools/testkit/planted-folder.ts";
import { findModules, loadFunctions } from "./load-functions.ts";

const load = async (path: string) => loadFunctions(await findModules(path));

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

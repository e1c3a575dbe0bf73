import { describe, expect, test } from "vitest";
import { readFences, readPage } from "../../../../tools/testkit/read-docs.ts";
import { readHelps } from "./print-help.ts";

const SHOWN = readFences(readPage("docs/reference/cli.md"))
  .map(({ text }) => text)
  .filter((text) => text.startsWith("Usage: "));

const REWRITE =
  "not as on docs/reference/cli.md; rewrite it with\n" +
  "node_modules/.bin/node --conditions=source packages/millrace/src/cli/print-help.ts";

describe("the help", () => {
  test.each([...readHelps()])("of %s is on the page as it is", (_, help) => {
    expect(SHOWN.includes(help) ? "the same" : REWRITE).toBe("the same");
  });

  test("is on the page for commands that there are, and for each once", () => {
    expect(SHOWN).toHaveLength(readHelps().size);
    expect(new Set(SHOWN).size).toBe(SHOWN.length);
  });

  test.each([...readHelps()])("of %s fits 80 columns", (_, help) => {
    expect(help.split("\n").filter((line) => line.length > 80)).toEqual([]);
  });
});

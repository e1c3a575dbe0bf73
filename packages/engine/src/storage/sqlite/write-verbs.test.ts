import { describe, expect, test } from "vitest";
import { createTestFolder } from "../suite/index.ts";
import { openWriter } from "./write-verbs.ts";

describe("openWriter", () => {
  test.each([
    ["FULL", 2],
    ["NORMAL", 1],
  ] as const)("opens the file with a WAL that is synced as %s says", (synchronous, level) => {
    using folder = createTestFolder();
    const writer = openWriter({ path: folder.file("store.db"), synchronous, leaseMs: 1 });
    const read = (pragma: string): unknown =>
      writer.database.prepare(`pragma ${pragma}`).get()?.[0];
    expect(read("journal_mode")).toBe("wal");
    expect(read("synchronous")).toBe(level);
    writer.verbs.close();
  });
});

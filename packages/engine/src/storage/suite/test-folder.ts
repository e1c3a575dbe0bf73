import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface TestFolder extends Disposable {
  file(name: string): string;
}

/** A folder of the test's own, gone when the test is. */
export function createTestFolder(): TestFolder {
  const path = mkdtempSync(join(tmpdir(), "millrace-"));
  return {
    file: (name) => join(path, name),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export interface PlantedFolder extends AsyncDisposable {
  readonly path: string;
}

/** Makes a temporary folder that holds `files`, by path; it is gone when disposed. */
export async function plantFolder(files: Readonly<Record<string, string>>): Promise<PlantedFolder> {
  const path = await mkdtemp(join(tmpdir(), "millrace-planted-"));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), text);
  }
  return {
    path,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

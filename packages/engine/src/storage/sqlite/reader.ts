// Entry of the reader's thread: a second connection, so that a long list does not hold up a commit.
import { parentPort, workerData } from "node:worker_threads";
import { createReadVerbs, openForReading } from "./read-verbs.ts";
import { createAnswerer, serve } from "./serve.ts";

export interface ReaderOptions {
  readonly path: string;
}

// Written by `createSqliteStorage`, of the same version as this file.
const { path } = workerData as ReaderOptions;

const answer = createAnswerer(() => createReadVerbs(() => openForReading(path)));

serve(parentPort, answer);

// Entry of the writer's thread. A store in memory has no other thread: there it reads as well.
import { parentPort, workerData } from "node:worker_threads";
import { createReadVerbs } from "./read-verbs.ts";
import { createAnswerer, serve } from "./serve.ts";
import { openWriter, type WriterOptions } from "./write-verbs.ts";

// Written by `createSqliteStorage`, of the same version as this file.
const options = workerData as WriterOptions;

const answer = createAnswerer(() => {
  const { database, verbs } = openWriter(options);
  return { ...createReadVerbs(() => database), ...verbs, ready: () => null };
});

serve(parentPort, answer);

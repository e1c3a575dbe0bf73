// The key that a development server makes at its first start, so that nobody has to hand one out to begin. It lies in
// the data folder, readable by its owner only; the store knows its digest. Of several nodes on one database the first
// makes it, and the others make none of their own.
import type { ApiKey, Engine } from "@millrace/engine";
import { DEFAULT_TENANT, MillraceError, toTimestamp } from "@millrace/protocol";
import { chmod, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DEVELOPMENT_KEY_NAME } from "../auth/authenticate.ts";
import { digestOf, newKey, parseKeyId } from "../auth/key.ts";
import { EVERY_SCOPE } from "../auth/scope.ts";
import { errorCodeOf } from "./error-code.ts";

const OWNER_ONLY = 0o600;

export const devKeyFile = (data: string): string => join(data, "dev-key");

/** Whether this folder has the key of its store, another node has it, or there is none. */
export type DevKey = "here" | "elsewhere" | "none";

/** @returns null: there is none */
export async function readDevKey(data: string): Promise<string | null> {
  try {
    return (await readFile(devKeyFile(data), "utf8")).trim();
  } catch (error) {
    if (errorCodeOf(error) === "ENOENT") return null;
    throw error;
  }
}

/**
 * Makes the key, or takes the one that is there if it still opens the store. One that was revoked or rotated, or that
 * another store knew, is never let in again: the file gets a new one.
 *
 * @param isShared other nodes may have made one already, which is then enough
 * @returns where the key is
 */
export async function ensureDevKey(
  engine: Pick<Engine, "keys">,
  data: string,
  isShared = false,
): Promise<"here" | "elsewhere"> {
  const kept = await readDevKey(data);
  if (kept !== null && (await isInForce(engine, kept, toId(kept, data)))) {
    await chmod(devKeyFile(data), OWNER_ONLY);
    return "here";
  }
  if (isShared && (await hasDevKey(engine))) return "elsewhere";
  const key = newKey();
  await putDevKey(engine, key, toId(key, data));
  await writeDevKey(data, key);
  return "here";
}

const PAGE = 100;

async function hasDevKey({ keys }: Pick<Engine, "keys">): Promise<boolean> {
  for (let after: string | null = null; ;) {
    const page = await keys.list(DEFAULT_TENANT, { after, limit: PAGE });
    if (page.some(({ key }) => key.name === DEVELOPMENT_KEY_NAME && !isOver(key))) return true;
    after = page.at(-1)?.key.id ?? null;
    if (after === null || page.length < PAGE) return false;
  }
}

const isOver = ({ expiresAt }: ApiKey): boolean => expiresAt !== null && expiresAt <= Date.now();

function toId(key: string, data: string): string {
  const id = parseKeyId(key);
  if (id !== undefined) return id;
  const message = `${devKeyFile(data)} does not hold a key. Delete it, and the next start makes a new one.`;
  throw new MillraceError("option.invalid", message);
}

async function isInForce(
  { keys }: Pick<Engine, "keys">,
  key: string,
  id: string,
): Promise<boolean> {
  const stored = await keys.find(id);
  // The secret before a rotation may count for a while yet, but not for as long as the server runs.
  if (stored === null || stored.hash !== digestOf(key).toString("hex")) return false;
  return !isOver(stored);
}

async function putDevKey({ keys }: Pick<Engine, "keys">, key: string, id: string): Promise<void> {
  await keys.put(
    {
      id,
      tenant: DEFAULT_TENANT,
      name: DEVELOPMENT_KEY_NAME,
      hash: digestOf(key).toString("hex"),
      previous: null,
      scopes: [EVERY_SCOPE],
      // Whoever has the key has the whole machine; what a bench sends must come through.
      limits: { read: null, write: null, execute: null },
      createdAt: toTimestamp(Date.now()),
      expiresAt: null,
    },
    { key: null, address: null },
  );
}

/** Whole or not at all: a crash leaves no half-written key. */
async function writeDevKey(data: string, key: string): Promise<void> {
  const draft = `${devKeyFile(data)}.new`;
  await writeFile(draft, `${key}\n`, { mode: OWNER_ONLY });
  await rename(draft, devKeyFile(data));
}

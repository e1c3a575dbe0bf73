// Ids are 128 bits, UUIDv7's layout with the shard behind the version:
//   48 time (ms) | 4 version | 8 shard | 4 random | 2 variant | 62 random
// shown as a prefix and 26 characters of Crockford's base 32. The first ten characters are the time
// (two zero bits and 48 bits), so ids of one kind sort by creation.
import { hashText, toShard, type Shard } from "./shard.ts";
import { toTimestamp, type Timestamp } from "./time.ts";

declare const brand: unique symbol;
/** `run_` and 26 characters. Made by `newRunId` or `deriveRunId`, checked by `parseRunId`. */
export type RunId = string & { readonly [brand]: "RunId" };
/** `wf_…`; minted, or chosen by the author as `wf_[a-z0-9_]+`. */
export type WorkflowId = string & { readonly [brand]: "WorkflowId" };
/** One start of one process; never used twice. */
export type NodeId = string & { readonly [brand]: "NodeId" };
/** The isolation boundary of all data and keys. */
export type TenantId = string & { readonly [brand]: "TenantId" };

/** The tenant that exists from the first start on. */
export const DEFAULT_TENANT = "default" as TenantId;

const TENANT = /^[a-z0-9-]{1,63}$/;

/** A tenant's id is the name that it was made under; undefined: no tenant can have this one. */
export const parseTenantId = (name: string): TenantId | undefined =>
  TENANT.test(name) ? (name as TenantId) : undefined;

/** 32 random bits a call. A port, so that a simulation draws from its seed. */
export type RandomSource = () => number;

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const BODY = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

export function newRunId(at: Timestamp, shard: Shard, random: RandomSource): RunId {
  return `run_${encode(at, shard, random)}` as RunId;
}

/** The same (parent, key) gives the same shard and random part, so a child that is asked for twice is one run. */
export function deriveRunId(at: Timestamp, parent: RunId, key: string): RunId {
  const name = `${parent}/${key}`;
  let seed = hashText(name);
  const shard = toShard(seed);
  const next = (): number => (seed = hashText(name, seed + 1));
  return `run_${encode(at, shard, next)}` as RunId;
}

export function newWorkflowId(at: Timestamp, random: RandomSource): WorkflowId {
  return `wf_${encode(at, toShard(random()), random)}` as WorkflowId;
}

export function newNodeId(at: Timestamp, random: RandomSource): NodeId {
  return `node_${encode(at, toShard(random()), random)}` as NodeId;
}

/** An event's or a signal's, where its sender has chosen none. */
export function newEventId(at: Timestamp, random: RandomSource): string {
  return `evt_${encode(at, toShard(random()), random)}`;
}

/** A request's id, for logs and `x-request-id`. */
export function newRequestId(at: Timestamp, random: RandomSource): string {
  return `req_${encode(at, toShard(random()), random)}`;
}

export function parseRunId(text: string): RunId | undefined {
  return text.startsWith("run_") && BODY.test(text.slice(4)) ? (text as RunId) : undefined;
}

/** Sorts before every id of a run that was made at `at` or later, and after all that were made before. */
export function runIdFloor(at: Timestamp): RunId {
  return `run_${encodeNumber(at, 10)}` as RunId;
}

/** Pure: ids that we minted carry their shard; any other text hashes to one. */
export function shardOf(id: string): Shard {
  const start = id.indexOf("_") + 1;
  const body = start > 0 ? id.slice(start) : id;
  // Position 10 holds the version's four bits and the shard's first.
  const first = ALPHABET.indexOf(body.charAt(10));
  if (body.length !== 26 || !BODY.test(body) || first >> 1 !== 7) return toShard(hashText(id));
  const middle = ALPHABET.indexOf(body.charAt(11));
  const last = ALPHABET.indexOf(body.charAt(12));
  return toShard(((first & 1) << 7) | (middle << 2) | (last >> 3));
}

/** When an id that we minted was made. */
export function timeOf(id: RunId): Timestamp {
  let ms = 0;
  for (let i = 4; i < 14; i++) ms = ms * 32 + ALPHABET.indexOf(id.charAt(i));
  return toTimestamp(ms);
}

let cachedMs = -1;
let cachedTime = "";

function encode(at: Timestamp, shard: Shard, random: RandomSource): string {
  if (at !== cachedMs) {
    cachedMs = at;
    cachedTime = encodeNumber(at, 10);
  }
  const a = random();
  const b = random();
  const c = random();
  const marks =
    char(0b01110 | (shard >> 7)) +
    char(shard >> 2) +
    char(((shard & 3) << 3) | (a & 7)) +
    char((((a >> 3) & 1) << 4) | 0b01000 | ((a >> 4) & 3));
  return cachedTime + marks + sixChars(b) + sixChars(c);
}

const char = (bits: number): string => ALPHABET.charAt(bits & 31);

function encodeNumber(value: number, length: number): string {
  let text = "";
  let rest = value;
  for (let i = 0; i < length; i++) {
    text = ALPHABET.charAt(rest % 32) + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}

/** 30 of the 32 bits. */
function sixChars(word: number): string {
  return (
    char(word >>> 27) +
    char(word >>> 22) +
    char(word >>> 17) +
    char(word >>> 12) +
    char(word >>> 7) +
    char(word >>> 2)
  );
}

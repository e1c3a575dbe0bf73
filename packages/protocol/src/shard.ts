import type { TenantId } from "./ids.ts";

declare const brand: unique symbol;
/** 0 to 255. Every row of run data carries one; a sharded database places rows by it. */
export type Shard = number & { readonly [brand]: "Shard" };

/** Fixed at the first migration; part of every id that we mint. */
export const SHARD_COUNT = 256;

export const toShard = (n: number): Shard => (n & (SHARD_COUNT - 1)) as Shard;

/** 32 bits of FNV-1a over UTF-16 code units, with a final mix: short, alike names spread over all shards. */
export function hashText(text: string, seed = 0x811c9dc5): number {
  let hash = seed >>> 0;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Where all that is known of an event's name lives: what was published, and who waits. */
export const shardOfEvent = (tenant: TenantId, name: string): Shard =>
  toShard(hashText(`${tenant}/${name}`));

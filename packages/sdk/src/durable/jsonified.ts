import type { JsonValue } from "@millrace/protocol";

/**
 * What is left of a value when it was written as JSON and read again: a `Date` is text, `undefined` is `null` or gone.
 * What JSON cannot say (functions, symbols, BigInt) is `never`, so that whoever uses it does not compile.
 */
export type Jsonified<T> = [T] extends [JsonValue] ? T : JsonifiedOne<T>;

type JsonifiedOne<T> = T extends string | number | boolean | null
  ? T
  : T extends undefined | void
    ? null
    : Composite<T>;

type Composite<T> = T extends bigint | symbol | ((...args: never[]) => unknown)
  ? never
  : T extends { toJSON(key?: string): infer Json }
    ? Jsonified<Json>
    : Members<T>;

/** Mapped over the members, so lists and tuples stay what they are; members that may be missing may be missing. */
type Members<T> = unknown extends T
  ? T
  : { [K in keyof T]: undefined extends T[K] ? Present<T, K> : Jsonified<T[K]> };

type Present<T, K extends keyof T> = T extends readonly unknown[]
  ? Jsonified<T[K]>
  : Jsonified<Exclude<T[K], undefined>> | undefined;

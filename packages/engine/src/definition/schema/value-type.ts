import type { JsonValue } from "@millrace/protocol";

/** The names that `type` may have. */
export const TYPE_NAMES = [
  "string",
  "number",
  "integer",
  "boolean",
  "object",
  "array",
  "null",
] as const;
export type TypeName = (typeof TYPE_NAMES)[number];

/** A set of types as one number. Fractions and whole numbers have a bit each; `number` is both. */
export type TypeSet = number;

const FRACTION = 2;

const BITS: Readonly<Record<TypeName, TypeSet>> = {
  string: 1,
  number: 6,
  integer: 4,
  boolean: 8,
  object: 16,
  array: 32,
  null: 64,
};

export const ALL_TYPES: TypeSet = 127;
export const NO_TYPE: TypeSet = 0;

export const toTypeSet = (names: Iterable<TypeName>): TypeSet => {
  let types = NO_TYPE;
  for (const name of names) types |= BITS[name];
  return types;
};

/** Without `integer` where there is `number`. */
export const toTypeNames = (types: TypeSet): readonly TypeName[] =>
  TYPE_NAMES.filter(
    (name) => (types & BITS[name]) === BITS[name] && (name !== "integer" || !(types & FRACTION)),
  );

/** The set of the one type that the value has. */
export function typesOf(value: JsonValue): TypeSet {
  switch (typeof value) {
    case "string":
      return BITS.string;
    case "number":
      return Number.isInteger(value) ? BITS.integer : FRACTION;
    case "boolean":
      return BITS.boolean;
    default:
      if (value === null) return BITS.null;
      return Array.isArray(value) ? BITS.array : BITS.object;
  }
}

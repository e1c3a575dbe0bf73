import type { JsonValue } from "@millrace/protocol";
import { typeName } from "@millrace/protocol";
import type { Checking } from "./checking.ts";
import { ALL_TYPES, toTypeNames, typesOf, type TypeSet } from "./value-type.ts";

/**
 * What one keyword does to a value, ready to run. Reports mistakes to the check; gives the value back, or a copy of
 * it with defaults filled in and unknown fields left out. Does nothing to values of types that it is not about.
 */
export type Keyword = (value: JsonValue, checking: Checking) => JsonValue;

/** What stands in for a missing field. */
export interface Filler {
  readonly value: JsonValue;
  /** Characters of its JSON. */
  readonly length: number;
}

/** A schema within a schema, compiled. Complete once all schemas around it are read and linked. */
export class SchemaNode {
  types: TypeSet = ALL_TYPES;
  keywords: readonly Keyword[] = [];
  /** Where `$ref` leads. */
  target: SchemaNode | null = null;
  /** Raw; undefined: there is none. */
  default: JsonValue | undefined = undefined;
  /** Names of `properties`. */
  propertyNames: readonly string[] = [];
  #filler: Filler | undefined = undefined;
  #filling: "not yet" | "now" | "done" = "not yet";
  /** What is wrong with the default, found when it is first wanted. */
  defaultProblem: string | null = null;
  /** The default would have to be filled with itself. */
  isEndless = false;

  check(value: JsonValue, checking: Checking): JsonValue {
    if (!checking.begin()) return value;
    let checked = value;
    if ((typesOf(value) & this.types) === 0) {
      this.#refuseType(value, checking);
    } else {
      for (const keyword of this.keywords) {
        checked = keyword(checked, checking);
        if (checking.isOver) break;
      }
    }
    checking.end();
    return checked;
  }

  /** The types that a value must have to fit at all, as far as `type` says. */
  get possibleTypes(): TypeSet {
    return this.target === null ? this.types : this.types & this.target.possibleTypes;
  }

  /**
   * What stands in for a missing value: the default with the defaults below it, or that of the schema that this one
   * refers to. A default that does not fit its schema stands as it is.
   *
   * @param checking the check that wants it
   */
  fillerFor(checking: Checking): Filler | undefined {
    if (this.#filling === "done") return this.#filler;
    if (this.#filling === "now") {
      this.isEndless = true;
      return undefined;
    }
    this.#filling = "now";
    this.#filler =
      this.default === undefined
        ? this.target?.fillerFor(checking)
        : this.#toFiller(this.default, checking.beginAside());
    this.#filling = "done";
    return this.#filler;
  }

  #toFiller(value: JsonValue, aside: Checking): Filler {
    const { length } = JSON.stringify(value);
    const checked = this.check(value, aside);
    if (aside.isClean) return { value: checked, length: length + aside.grown };
    const [issue] = aside.toIssues();
    const place = issue?.path.join(".") ?? "";
    this.defaultProblem = place === "" ? `${issue?.message}` : `${place}: ${issue?.message}`;
    return { value, length };
  }

  #refuseType(value: JsonValue, checking: Checking): void {
    if (checking.isQuiet) return checking.fail("");
    const names = toTypeNames(this.types);
    if (names.length === 0) return checking.fail("Not allowed");
    checking.fail(`Expected ${names.join(" or ")}, received ${typeName(value)}`, () =>
      isOtherTypeInQuotes(value, this.types) ? "send it without quotes" : undefined,
    );
  }
}

/** Texts are never converted, which surprises those who come from forms and query strings. */
function isOtherTypeInQuotes(value: JsonValue, types: TypeSet): boolean {
  if (typeof value !== "string" || !/^(?:true|false|-?\d{1,15}(?:\.\d{1,15})?)$/.test(value)) {
    return false;
  }
  return (typesOf(JSON.parse(value) as JsonValue) & types) !== 0;
}

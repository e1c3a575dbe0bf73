import { ARRAY_FILTERS } from "./arrays.ts";
import { DATE_FILTERS } from "./dates.ts";
import type { Filter } from "./filter.ts";
import { MATH_FILTERS } from "./math.ts";
import { OTHER_FILTERS } from "./other.ts";
import { TEXT_FILTERS } from "./text.ts";

/** Every filter that a template may use, by its name. */
export const FILTERS: ReadonlyMap<string, Filter> = new Map(
  [ARRAY_FILTERS, MATH_FILTERS, TEXT_FILTERS, DATE_FILTERS, OTHER_FILTERS]
    .flat()
    .map((filter) => [filter.name, filter]),
);

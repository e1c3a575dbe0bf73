import type { JsonSchema } from "../../../route.ts";
import {
  COUNT,
  described,
  INSTANT,
  oneOf,
  ORDINAL,
  orNull,
  shown,
  TEXT,
  titled,
} from "./json-schema.ts";

export const LOG_LINE: JsonSchema = titled(
  "LogLine",
  shown({
    sequence: described(
      "0: the start; entries of the journal count from 1; the end is one more.",
      COUNT,
    ),
    time: INSTANT,
    level: oneOf("info", "warn", "error"),
    step: orNull(TEXT),
    attempt: orNull(ORDINAL),
    message: described("For people; it may change.", TEXT),
  }),
);

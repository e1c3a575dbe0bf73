import { format } from "@cfworker/json-schema";

/** Those that are worth a promise, and whose check takes time by the length of the text only. */
const CHECKED = [
  "date-time",
  "date",
  "time",
  "duration",
  "email",
  "hostname",
  "ipv4",
  "ipv6",
  "uri",
  "uri-reference",
  "uuid",
  "json-pointer",
] as const;

export type FormatTest = (text: string) => boolean;

/** The formats that are checked, by name. */
export const FORMATS: ReadonlyMap<string, FormatTest> = new Map(
  CHECKED.map((name) => [name, format[name] ?? (() => true)]),
);

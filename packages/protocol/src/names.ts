const LONGEST = 255;

/**
 * Names, keys, ids and tags are checked before they go anywhere: 1 to 255 characters, well-formed Unicode,
 * no control characters (which includes NUL, newlines and terminal escapes).
 *
 * @returns what is wrong, or undefined
 */
export function checkName(value: unknown): string | undefined {
  if (typeof value !== "string") return `Expected string, received ${typeName(value)}`;
  if (value.length === 0) return "Must not be empty";
  if (value.length > LONGEST)
    return `Must be at most ${LONGEST} characters, received ${value.length}`;
  if (!value.isWellFormed()) return "Must be well-formed Unicode; it has a lone surrogate";
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code < 0x20 || (code >= 0x7f && code <= 0x9f)) {
      return `Must not contain control characters; found U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
    }
  }
  return undefined;
}

/** As error messages call it: `null`, `array`, else `typeof`. */
export function typeName(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

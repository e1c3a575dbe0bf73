import type { StandardSchema, StandardSchemaResult } from "@millrace/protocol";

/** A schema of no validator in particular, with the JSON Schema that it gives of itself. */
export function aSchema<Input, Output = Input>(
  validate: (value: unknown) => StandardSchemaResult<Output>,
  describe?: () => unknown,
): StandardSchema<Input, Output> {
  const standard = { version: 1, vendor: "test", validate } as const;
  if (describe === undefined) return { "~standard": standard };
  const jsonSchema = { input: describe, output: describe };
  const described = { ...standard, jsonSchema };
  return { "~standard": described };
}

/** Takes an object whose `field` is of that type; fills it in if there is a default. */
export function aFieldSchema<Input, Output = Input>(
  field: string,
  type: "string" | "number",
  fallback?: number,
): StandardSchema<Input, Output> {
  return aSchema(
    (value) => {
      const whole: Readonly<Record<string, unknown>> = { ...(value as object | null) };
      const given = whole[field] ?? fallback;
      if (typeof given !== type)
        return { issues: [{ message: `Must be a ${type}`, path: [field] }] };
      // The caller says what it makes of it.
      return { value: { ...whole, [field]: given } as Output };
    },
    () => ({ type: "object", properties: { [field]: { type } } }),
  );
}

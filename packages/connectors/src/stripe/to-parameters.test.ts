import type { JsonValue } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { toParameters, type ParameterRequest } from "./to-parameters.ts";

const read = (
  input: JsonValue,
  more: Partial<ParameterRequest> = {},
): ReturnType<typeof toParameters> =>
  toParameters(input, {
    action: "stripe.createThing",
    known: ["customer", "metadata", "due_date", "shipping", "custom_fields", "email"],
    subject: null,
    ...more,
  });

describe("the input of a Stripe action", () => {
  test("may be written in camelCase or in Stripe's spelling, at any depth", () => {
    const { parameters } = read({
      customerId: "cus_1",
      dueDate: 5,
      shipping: { address: { postalCode: "E1", line_1: "x" } },
      custom_fields: [{ fieldName: "a" }],
    });
    expect(parameters).toEqual({
      customer: "cus_1",
      due_date: 5,
      shipping: { address: { postal_code: "E1", line_1: "x" } },
      custom_fields: [{ field_name: "a" }],
    });
  });

  test("keeps the keys of metadata as their author wrote them", () => {
    const metadata = { orderId: "7", OrderID: "8", order_id: "9" };
    expect(read({ metadata }).parameters).toEqual({ metadata });
  });

  test.for([
    [{ custmerId: "c" }, 'there is no field "custmerId". Did you mean "customerId"?'],
    [{ duedate: 1 }, 'Did you mean "dueDate"?'],
    [{ zebra: 1 }, "There are customerId, metadata, dueDate, shipping, customFields, email."],
    [{ customerId: "a", customer: "b" }, "`customer` is given twice."],
    [JSON.parse('{"__proto__": 1}') as JsonValue, 'there is no field "__proto__"'],
    [{ constructor: 1 }, 'there is no field "constructor"'],
    ["text", "expected an object with fields, received string."],
    [[], "expected an object with fields, received array."],
  ] as const)("is refused as %j", ([input, message]) => {
    expect(() => read(input)).toThrow(message);
  });

  test("loses null, which says nothing, unless null clears a field", () => {
    expect(read({ email: null }).parameters).toEqual({});
    expect(read({ email: null }, { keepsNull: true }).parameters).toEqual({ email: null });
  });

  test("has the id of what it is about under three names", () => {
    for (const name of ["customerId", "customer", "id"]) {
      expect(read({ [name]: "cus_1" }, { subject: "customer" }).id).toBe("cus_1");
    }
  });

  test.for([
    {},
    { customerId: "" },
    { customerId: 5 },
    { customerId: "../charges" },
    { id: "a/b" },
  ])("has no id that could lead elsewhere: %j", (input) => {
    expect(() => read(input, { subject: "customer" })).toThrow(/`customerId` (is missing|must be)/);
  });
});

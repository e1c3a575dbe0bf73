import type { Issue, JsonValue } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { DEFAULT_RETRY_POLICY } from "../core/retry.ts";
import { compileDefinition, parseDefinition } from "../definition/parse-definition.ts";
import { aScope } from "../testkit/a-scope.ts";
import { DEFAULT_TIMEOUT_MS, MAX_TIMEOUT_MS } from "./call-policy.ts";
import { STEP_KINDS } from "./step-kinds.ts";

type Fields = Readonly<Record<string, JsonValue>>;

const parse = (fields: Fields): ReturnType<typeof parseDefinition> =>
  parseDefinition(
    { name: "a", steps: [{ id: "a", type: "function", function: "f", ...fields }] },
    STEP_KINDS,
  );

function issuesOf(fields: Fields): readonly string[] {
  const parsed = parse(fields);
  const toText = ({ path, message }: Issue): string => `${path.slice(2).join(".")}: ${message}`;
  return parsed.ok ? [] : parsed.issues.map(toText);
}

/** What the step asks for, after a step that gave `result`. */
function bodyOf(fields: Fields, result: JsonValue = { n: 1 }) {
  const parsed = parse(fields);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
  const scope = aScope({ input: { to: "ada" }, result });
  const body = compileDefinition(parsed.definition, STEP_KINDS).steps[0]?.work.request(scope);
  if (body?.kind !== "call") throw new Error("no call");
  return body;
}

const inputOf = (config: Fields, result?: JsonValue): JsonValue =>
  JSON.parse(bodyOf({ config }, result).input) as JsonValue;

describe("the input of a function", () => {
  test.each<[string, Fields, JsonValue, JsonValue]>([
    ["is the previous result", {}, { n: 1 }, { n: 1 }],
    ["is the previous result, whatever its type", {}, null, null],
    ["is config.input if there is one", { input: { to: "{{input.to}}" } }, { n: 1 }, { to: "ada" }],
    ["is config.input also if that is no object", { input: "{{result.n}}" }, { n: 1 }, 1],
    ["is null if config.input leads nowhere", { input: "{{result.x}}" }, { n: 1 }, null],
    ["is null if config.input is null", { input: null }, { n: 1 }, null],
    [
      "has other fields of config over the result",
      { to: "{{input.to}}", n: 2 },
      { n: 1, m: 3 },
      { n: 2, m: 3, to: "ada" },
    ],
    [
      "keeps a field of the result where config leads nowhere",
      { n: "{{input.x}}" },
      { n: 1 },
      { n: 1 },
    ],
    ["is config alone if the result is no object", { n: 2 }, [1], { n: 2 }],
    [
      "leaves out what is about the call",
      { n: 2, retries: 1, timeout: 5, description: "d" },
      {},
      { n: 2 },
    ],
  ])("%s", (_, config, result, input) => {
    expect(inputOf(config, result)).toEqual(input);
  });

  test("keeps __proto__ a key when it merges", () => {
    const config = JSON.parse('{"__proto__":{"a":1}}') as Fields;
    const result = JSON.parse('{"__proto__":{"b":1},"constructor":2}') as JsonValue;
    expect(bodyOf({ config }, result).input).toBe('{"__proto__":{"a":1},"constructor":2}');
  });

  test("is passed on as it was written, without being read", () => {
    expect(bodyOf({}, { b: 1, a: 1e21 }).input).toBe('{"b":1,"a":1e+21}');
  });

  test.each(["concurrency", "connection", "done", "else", "items", "maxIterations", "onTimeout"])(
    "may not use the reserved name %s",
    (name) => {
      expect(issuesOf({ config: { [name]: 1 } })).toEqual([
        `config.${name}: The name "${name}" is reserved`,
      ]);
    },
  );

  test("may not stand in two places", () => {
    expect(issuesOf({ config: { input: 1, n: 2 } })).toEqual([
      "config.n: Stands beside `input`, which is the whole input",
    ]);
  });
});

describe("the call of a function", () => {
  test("has defaults", () => {
    expect(bodyOf({})).toEqual({
      kind: "call",
      executor: "function",
      target: "f",
      input: '{"n":1}',
      retry: DEFAULT_RETRY_POLICY,
      timeoutMs: DEFAULT_TIMEOUT_MS,
    });
  });

  test.each<[string, Fields, object]>([
    ["retries of the step", { retries: 100 }, { retries: 100 }],
    ["retries of the config", { config: { retries: 0 } }, { retries: 0 }],
    [
      "retries of the retryConfig",
      { retryConfig: { retries: 3, factor: 1 } },
      { retries: 3, factor: 1 },
    ],
    [
      "a long first delay, and moves the cap",
      { retryConfig: { initialDelayMs: 60_000 } },
      { initialDelayMs: 60_000, maxDelayMs: 60_000 },
    ],
    [
      "a low cap, and moves the first delay",
      { retryConfig: { maxDelayMs: 10 } },
      { initialDelayMs: 10, maxDelayMs: 10 },
    ],
    ["attempts, counted from the first", { retryConfig: { maxAttempts: 3 } }, { retries: 2 }],
    [
      "a fixed pause",
      { config: { retryDelay: 50, backoff: "fixed" } },
      { initialDelayMs: 50, factor: 1 },
    ],
    ["a pause that grows", { backoff: "exponential" }, { factor: 2 }],
    ["the strategy retry", { errorHandling: { strategy: "retry" } }, { retries: 3 }],
    [
      "the strategy retry with its count",
      { errorHandling: { strategy: "retry", retries: 7 } },
      { retries: 7 },
    ],
  ])("takes %s", (_, fields, retry) => {
    expect(bodyOf(fields).retry).toEqual({ ...DEFAULT_RETRY_POLICY, ...retry });
  });

  test("takes the name of a whole function", () => {
    expect(bodyOf({ function: { id: "f", description: "d", input: {} } }).target).toBe("f");
  });

  test("takes its timeout from the step or from its config", () => {
    expect(bodyOf({ timeoutMs: 1 }).timeoutMs).toBe(1);
    expect(bodyOf({ config: { timeout: MAX_TIMEOUT_MS } }).timeoutMs).toBe(MAX_TIMEOUT_MS);
  });

  test.each<[string, Fields, string]>([
    ["no function", { function: null }, "function: Expected string, received null"],
    ["an empty function", { function: "" }, "function: Must not be empty"],
    ["a whole function without its id", { function: { name: "f" } }, "function.id: Required"],
    [
      "negative retries",
      { retries: -1 },
      "retries: Must be a whole number from 0 to 100, received -1",
    ],
    [
      "too many retries",
      { retries: 101 },
      "retries: Must be a whole number from 0 to 100, received 101",
    ],
    [
      "half a retry",
      { config: { retries: 0.5 } },
      "config.retries: Must be a whole number from 0 to 100, received 0.5",
    ],
    ["retries as text", { retries: "3" }, 'retries: Expected number, received string "3"'],
    [
      "retries twice",
      { retries: 1, config: { retries: 1 } },
      "config.retries: Is given twice: also as retries",
    ],
    [
      "retries twice, in another way",
      { retryConfig: { retries: 1 }, config: { retries: 1 } },
      "retryConfig.retries: Is given twice: also as config.retries",
    ],
    [
      "no timeout at all",
      { timeoutMs: 0 },
      "timeoutMs: Must be a number from 1 to 86400000, received 0",
    ],
    [
      "a timeout of a month",
      { config: { timeout: 30 * MAX_TIMEOUT_MS } },
      "config.timeout: Must be a number from 1 to 86400000, received 2592000000",
    ],
    [
      "a timeout twice",
      { timeoutMs: 5, config: { timeout: 5 } },
      "config.timeout: Is given twice: also as timeoutMs",
    ],
    [
      "a negative delay",
      { retryConfig: { initialDelayMs: -1 } },
      "retryConfig.initialDelayMs: Must be a number from 0 to 3162240000000, received -1",
    ],
    [
      "a cap below the first delay",
      { retryConfig: { initialDelayMs: 9, maxDelayMs: 5 } },
      "retryConfig.maxDelayMs: Must be at least the first delay, which is 9",
    ],
    [
      "a factor below one",
      { retryConfig: { factor: 0 } },
      "retryConfig.factor: Must be a number from 1 to 100, received 0",
    ],
    [
      "an unknown field of retryConfig",
      { retryConfig: { attempts: 3 } },
      'retryConfig.attempts: Unknown field "attempts"',
    ],
    [
      "a backoff that there is not",
      { backoff: "linear" },
      'backoff: Must be one of exponential, fixed, received "linear"',
    ],
    [
      "a pause twice",
      { retryDelay: 5, config: { retryDelay: 5 } },
      "config.retryDelay: Is given twice: also as retryDelay",
    ],
    [
      "retries beside the strategy retry",
      { retries: 1, errorHandling: { strategy: "retry" } },
      "errorHandling: Is given twice: also as retries",
    ],
    ["a list as retryConfig", { retryConfig: [] }, "retryConfig: Expected object, received array"],
  ])("refuses %s", (_, fields, issue) => {
    expect(issuesOf(fields)).toEqual([issue]);
  });
});

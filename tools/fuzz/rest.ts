// Requests made from the OpenAPI document, some of them damaged, sent to a whole server in memory: the status, the type
// and the body of each answer must be documented, and none is a 500.
import type { JsonValue } from "@millrace/protocol";
import type { JsonSchema, ParameterSchemas, Route } from "../../packages/millrace/src/route.ts";
import type { Random } from "../../packages/engine/src/simulation/random.ts";
import type { AnsweredBody } from "../testkit/open-test-server.ts";
import { openRouteWorld, type RouteWorld } from "../testkit/open-route-world.ts";
import { ALL_ROUTES, RouteJudge, titleOf } from "../testkit/route-judge.ts";
import { mutateJson, mutateText } from "./mutate.ts";
import type { FuzzTarget } from "./targets.ts";
import { createValue } from "./value-of-schema.ts";

const JUDGE = new RouteJudge();
/** What texts are made of, beside the document's own words. */
const WORDS = [
  "wf_x",
  "x",
  "charge",
  "customers",
  "runs:read",
  "{{input.n}}",
  "2099-01-01T00:00:00Z",
] as const;
const ODD_NAMES = [
  "%00",
  "%ff",
  "__proto__",
  "..%2f..",
  "a%2Fb",
  "%F0%9F%98%80",
  "x".repeat(300),
  "0",
  "1",
  "wf_nap",
] as const;
/** A world that has seen more than this is slow to list. */
const CASES_PER_WORLD = 2_000;

let shared: RouteWorld | undefined;
let cases = 0;

async function close(): Promise<void> {
  await shared?.[Symbol.asyncDispose]();
  shared = undefined;
}

async function findWorld(): Promise<RouteWorld> {
  if (cases++ % CASES_PER_WORLD === 0) await close();
  // Nobody is let wait.
  return (shared ??= await openRouteWorld(AbortSignal.abort()));
}

async function play(random: Random): Promise<string> {
  const world = await findWorld();
  const { key: ownKey, adminKey, otherKey } = world;
  const route = ALL_ROUTES[random.next() % ALL_ROUTES.length];
  if (route === undefined) throw new Error("there are no routes");
  const path = toPath(random, world.fill(route), route) + toQuery(random, route.query ?? {});
  const body = toBody(random, route);
  const key = random.chance(0.9)
    ? random.pick([adminKey, ownKey, ownKey])
    : random.pick([null, otherKey, "mr_no"]);
  const headers = toHeaders(random, route.headers ?? {});
  const answered = await world.send(route.method, path, {
    key,
    headers,
    ...(body === undefined ? {} : { body }),
  });
  // Damage may lead to another route or to none, whose answers are not this one's.
  const { error }: Partial<AnsweredBody> = answered.body;
  const isElsewhere = error?.reason.startsWith("route.") ?? false;
  const problem = isElsewhere ? undefined : JUDGE.judge(route, answered);
  if (problem !== undefined) {
    throw new Error(`${titleOf(route)} as ${path} with ${body ?? "no body"}: ${problem}`);
  }
  if (answered.status < 400) return "answered";
  return answered.status === 400 ? "refused" : String(answered.status);
}

function toPath(random: Random, filled: string, { path }: Route): string {
  if (random.chance(0.8)) return filled;
  return path.replaceAll(/:\w+/g, () => random.pick(ODD_NAMES));
}

function toQuery(random: Random, schemas: ParameterSchemas): string {
  const query = new URLSearchParams();
  for (const [name, schema] of Object.entries(schemas)) {
    if (random.chance(0.7)) continue;
    // An object is one parameter for each of its properties.
    if (schema["type"] === "object") {
      for (const it of toExampleNames(schema)) query.append(it, random.pick(WORDS));
      continue;
    }
    const text = toText(createValue(random, schema, (it) => JUDGE.resolve(it), WORDS));
    query.append(name, random.chance(0.2) ? mutateText(random, text, WORDS) : text);
  }
  if (random.chance(0.02)) query.append("nonsense", "1");
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}

function toExampleNames({ examples }: JsonSchema): readonly string[] {
  const [example = null] = Array.isArray(examples) ? (examples as readonly JsonValue[]) : [];
  return Object.keys(example ?? {});
}

function toHeaders(random: Random, schemas: ParameterSchemas): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, schema] of Object.entries(schemas)) {
    if (random.chance(0.7)) continue;
    const text = toText(createValue(random, schema, (it) => JUDGE.resolve(it), WORDS));
    // What is no header value never reaches a server.
    headers[name] = text.replaceAll(/[^\t\x20-\x7e]/g, "?").trim();
  }
  return headers;
}

/** As it is sent: sometimes not even JSON. */
function toBody(random: Random, route: Route): string | undefined {
  const schema = JUDGE.bodySchema(route);
  if (schema === undefined) return random.chance(0.05) && route.method !== "GET" ? "{}" : undefined;
  const value = toValue(random, schema);
  const text = JSON.stringify(value) ?? "";
  return random.chance(0.05) ? mutateText(random, text, WORDS) : text;
}

function toValue(random: Random, schema: JsonSchema): JsonValue {
  const { examples } = JUDGE.resolve(schema);
  const drawn = createValue(random, schema, (it) => JUDGE.resolve(it), WORDS);
  // What is drawn beside an example gets further than what is drawn alone.
  const example: unknown = Array.isArray(examples) ? examples[0] : undefined;
  const isBoth = typeof drawn === "object" && typeof example === "object";
  const value =
    isBoth && random.chance(0.6) ? (Object.assign({}, drawn, example) as JsonValue) : drawn;
  return mutateJson(random, value, WORDS, random.pick([0, 0.02, 0.1]));
}

const toText = (value: JsonValue): string =>
  typeof value === "string" ? value : JSON.stringify(value);

export const REST_TARGET: FuzzTarget = { name: "rest", play, close };

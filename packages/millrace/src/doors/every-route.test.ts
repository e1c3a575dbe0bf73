// Generated from the route table: every route with every key that may not, with another tenant's names, and with
// bodies and queries made from its schemas. What it answers must be what the OpenAPI document says.
import { describe, expect, test } from "vitest";
import { changeBodies, toExample } from "../../../../tools/testkit/changed-bodies.ts";
import { openRouteWorld } from "../../../../tools/testkit/open-route-world.ts";
import { ALL_ROUTES, RouteJudge, titleOf } from "../../../../tools/testkit/route-judge.ts";
import { SCOPES } from "../auth/scope.ts";
import type { Route } from "../route.ts";

const JUDGE = new RouteJudge();
const GUARDED = ALL_ROUTES.filter(({ scope }) => scope !== "public");
const NAMED = ALL_ROUTES.map((route) => [titleOf(route), route] as const);
const WITH_BODY = NAMED.filter(([, { body }]) => body !== undefined);

/** The body that the document gives as an example; undefined: it takes none. */
function exampleFor(route: Route): unknown {
  const schema = JUDGE.bodySchema(route);
  return schema === undefined ? undefined : toExample(JUDGE, schema);
}

const sentTo = (route: Route): { readonly body?: unknown } => {
  const body = exampleFor(route);
  return body === undefined ? {} : { body };
};

describe("a key", { timeout: 60_000 }, () => {
  test("that is missing, unknown or of no form is 401 at every route that is not public", async () => {
    await using world = await openRouteWorld();
    for (const route of GUARDED) {
      for (const key of [null, "", "mr_nothing", `mr_${"a".repeat(12)}_${"b".repeat(32)}`]) {
        const answered = await world.sendTo(route, { ...sentTo(route), key });
        expect([titleOf(route), answered.status, answered.body.error.reason]).toEqual([
          titleOf(route),
          401,
          "request.unauthorized",
        ]);
        expect(JUDGE.judge(route, answered)).toBeUndefined();
      }
    }
  });

  test("without the scope of a route is 403 there, and the answer names the scope", async () => {
    await using world = await openRouteWorld();
    for (const route of GUARDED) {
      const others = SCOPES.filter((scope) => scope !== route.scope);
      const key = await world.newKey(others);
      const answered = await world.sendTo(route, { ...sentTo(route), key });
      expect([titleOf(route), answered.status]).toEqual([titleOf(route), 403]);
      expect(answered.body.error.message).toContain(`"${route.scope}"`);
      expect(JUDGE.judge(route, answered)).toBeUndefined();
    }
  });

  test("with only the scope of a route may use it", async () => {
    await using world = await openRouteWorld(AbortSignal.abort());
    for (const route of GUARDED.filter(({ scope }) => scope !== "tenants:admin")) {
      const key = await world.newKey([route.scope]);
      const { status, body } = await world.sendTo(route, { ...sentTo(route), key });
      expect([titleOf(route), status]).not.toEqual([titleOf(route), 401]);
      // A key may be refused for another reason: it makes none that may more than itself.
      expect(body.error?.message ?? "").not.toContain(`"${route.scope}"`);
    }
  });
});

describe("another tenant's key", { timeout: 60_000 }, () => {
  /** Names there are not somebody's: what is stored under one is the caller's own. */
  const isOwn = ({ method, path }: Route): boolean =>
    path.includes(":list") ||
    path.includes("/events/:") ||
    (method === "PUT" && path.includes("/functions/"));

  test("finds nothing under names that are there for the first", async () => {
    await using world = await openRouteWorld();
    const routes = GUARDED.filter((route) => route.path.includes(":") && !isOwn(route));
    expect(routes.length).toBeGreaterThan(10);
    for (const route of routes) {
      const answered = await world.sendTo(route, { ...sentTo(route), key: world.otherKey });
      expect([titleOf(route), answered.status, answered.body.error.code]).toEqual([
        titleOf(route),
        404,
        "NOT_FOUND",
      ]);
      expect(JUDGE.judge(route, answered)).toBeUndefined();
    }
  });

  test("changes nothing of the first tenant's, and lists none of it", async () => {
    await using world = await openRouteWorld(AbortSignal.abort());
    const reads = GUARDED.filter(
      ({ method, path, scope }) =>
        method === "GET" && scope !== "tenants:admin" && !/sandbox|metrics|audit|events/.test(path),
    );
    const look = async (key: string): Promise<readonly string[]> => {
      const answers = await Promise.all(reads.map((route) => world.sendTo(route, { key })));
      // When a key was last used is no business of tenants.
      return answers.map(({ text }) => text.replaceAll(/"lastUsedAt":("[^"]*"|null)/g, ""));
    };
    const before = await look(world.key);
    for (const route of GUARDED) {
      if (route.scope === "tenants:admin") continue;
      await world.sendTo(route, { ...sentTo(route), key: world.otherKey });
    }
    expect(await look(world.key)).toEqual(before);
    const theirs = (await look(world.otherKey)).join("\n");
    for (const name of ["wf_x", "wf_nap", world.runId, "spare"]) expect(theirs).not.toContain(name);
  });
});

describe("a good request", { timeout: 60_000 }, () => {
  test.for(NAMED)("to %s gets an answer that is documented", async ([, route]) => {
    await using world = await openRouteWorld(AbortSignal.abort());
    const answered = await world.sendTo(route, sentTo(route));
    expect(JUDGE.judge(route, answered)).toBeUndefined();
    // There is no sandbox in production, the nap is no failed run and not code, and a stopping server is not ready.
    const refused = answered.status >= 400 ? answered.body.error?.reason : undefined;
    const known = ["route.not-found", "run.not-failed", "run.not-code", undefined];
    expect(known).toContain(refused);
  });
});

describe("a body that was made from a schema", { timeout: 60_000 }, () => {
  /** What validates a definition answers with what is wrong with it, and a batch with an outcome for each item. */
  const isToldInside = ({ path }: Route, [name]: readonly string[]): boolean =>
    path.endsWith("/validate") || (path.endsWith("/batch") && name === "items");
  const isChoice = ({ body = {} }: Route): boolean => body["oneOf"] !== undefined;

  test.for(WITH_BODY)("is refused by %s if it does not fit", async ([, route]) => {
    await using world = await openRouteWorld(AbortSignal.abort());
    const schema = JUDGE.bodySchema(route);
    const bodies = schema === undefined ? [] : changeBodies(JUDGE, schema);
    expect(bodies.length).toBeGreaterThan(0);
    // Those that fit come last: what they make may be in the way of others.
    for (const { path, body, fits } of bodies.toSorted((a, b) => Number(a.fits) - Number(b.fits))) {
      const answered = await world.sendTo(route, { body });
      const about = `${path.join(".")}: ${JSON.stringify(body).slice(0, 300)}`;
      expect([about, JUDGE.judge(route, answered)]).toEqual([about, undefined]);
      if (fits || isToldInside(route, path)) continue;
      expect([about, answered.status]).toEqual([about, 400]);
      const places = answered.body.error.details.map((it) => it.path[0]);
      // That one of several fields is needed is told of the body itself.
      const isTold = places.includes(path[0]) || (places.includes(undefined) && isChoice(route));
      expect([about, places, isTold]).toEqual([about, places, true]);
    }
  });

  /** Fields of which more is asked than their form. */
  const DEPENDS: ReadonlySet<string> = new Set([
    "connectionId",
    "cursor",
    "expectedVersion",
    // An object, but of a code workflow anything.
    "input",
    "version",
  ]);
  /** The engine holds its own schema of a definition against its parser. */
  const isElsewhere = ({ path }: Route, [name = ""]: readonly string[]): boolean =>
    DEPENDS.has(name) ||
    (path.startsWith("/api/v1/workflows") &&
      !/run|restore/.test(path) &&
      name !== "changeSummary") ||
    (path === "/api/v1/functions/:name" && name === "name");

  test.for(WITH_BODY)("is taken by %s if it fits", async ([, route]) => {
    const schema = JUDGE.bodySchema(route);
    const bodies = schema === undefined ? [] : changeBodies(JUDGE, schema);
    await using world = await openRouteWorld(AbortSignal.abort());
    for (const { path, body, fits } of bodies) {
      if (!fits || isElsewhere(route, path)) continue;
      const answered = await world.sendTo(route, { body });
      const details = answered.status === 400 ? answered.body.error.details : [];
      const about = `${path.join(".")}: ${JSON.stringify(body).slice(0, 300)}`;
      expect([about, details]).toEqual([about, []]);
    }
  });
});

describe("a query that was made from a schema", { timeout: 60_000 }, () => {
  const TEXTS = [
    "",
    "0",
    "1",
    "-1",
    "1.5",
    "101",
    "text",
    "true",
    "null",
    "[]",
    "\u0000",
    "x".repeat(300),
  ];

  test("is refused if it does not fit, and answered as documented if it does", async () => {
    await using world = await openRouteWorld(AbortSignal.abort());
    for (const route of GUARDED) {
      if (route.path.startsWith("/api/v1/sandbox")) continue;
      for (const [name, schema] of Object.entries(route.query ?? {})) {
        const isNumber = schema["type"] === "integer" || schema["type"] === "number";
        for (const text of TEXTS) {
          const value = isNumber && text !== "" ? Number(text) : text;
          const fits = JUDGE.mistakesOf(value, schema).length === 0;
          const query = new URLSearchParams({ [name]: text }).toString();
          const answered = await world.sendTo(route, { query });
          const about = `${titleOf(route)}?${query}`;
          const isRightly = fits || answered.status === 400;
          expect([about, JUDGE.judge(route, answered), isRightly]).toEqual([
            about,
            undefined,
            true,
          ]);
        }
      }
    }
  });
});

// A server on which there is one of everything that a route's path can name, and a second tenant beside it.
import { RemoteWorkers } from "../../packages/millrace/src/remote-workers.ts";
import type { Route } from "../../packages/millrace/src/route.ts";
import { openTestServer, type Answered, type Sent, type TestServer } from "./open-test-server.ts";
import { untilAsleep } from "./until-asleep.ts";

export interface RouteWorld extends TestServer {
  readonly adminKey: string;
  /** Of another tenant, with every scope. */
  readonly otherKey: string;
  /** Of a run that waits. */
  readonly runId: string;
  /** The route's path with names that exist. */
  fill(route: Route): string;
  /** With a key that may: the administrator's where no other may. */
  sendTo(route: Route, sent?: Sent & { readonly query?: string }): Promise<Answered>;
}

const ADMIN_KEY = "the-administrator-of-all-generated-tests";
const STEPS = [{ id: "one", type: "transform", config: { mapping: {} } }];
const NAP = [{ id: "nap", type: "wait", config: { duration: 3_600_000 } }];

/** @param stopping aborted: whoever waits is answered at once */
export async function openRouteWorld(stopping?: AbortSignal): Promise<RouteWorld> {
  const server = await openTestServer({
    mode: "production",
    adminKey: ADMIN_KEY,
    // Nobody beats for its worker.
    workers: new RemoteWorkers({ leaseMs: 3_600_000 }),
    ...(stopping === undefined ? {} : { stopping }),
  });
  const adminKey = ADMIN_KEY;
  await server.install({ id: "wf_x", name: "X", steps: STEPS });
  const target = { kind: "http", url: "https://example.com" };
  await server.send("PUT", "/api/v1/functions/charge", { body: { target } });
  await server.install({ id: "wf_nap", name: "Nap", steps: NAP });
  const started = await server.send("POST", "/api/v1/workflows/wf_nap/run");
  const { runId } = started.body.data;
  await untilAsleep(server, runId);
  const made = await server.send("POST", "/api/v1/api-keys", {
    body: { name: "spare", scopes: ["runs:read"] },
  });
  await server.send("POST", "/api/v1/tenants", { key: adminKey, body: { name: "other" } });
  const tenant = await server.engine.tenants.find("other");
  if (tenant === null) throw new Error("the other tenant was not made");
  const otherKey = await server.makeKey({ tenant });
  const worker = await server.send("POST", "/api/v1/workers", {
    body: { name: "w", instance: "w", workflows: [], functions: [], slots: 1, labels: {} },
  });
  const names: Readonly<Record<string, string>> = {
    "workflows/:id": "wf_x",
    "runs/:id": runId,
    "api-keys/:id": made.body.data.id,
    "functions/:name": "charge",
    "workers/:id": worker.body.data.workerId,
    "versions/:n": "1",
    "events/:eventId": "order.paid",
    "stripe/:list": "customers",
  };
  const fill = ({ path }: Route): string =>
    path.replaceAll(/([a-z-]+)\/:(\w+)/g, (_, folder: string, name: string) => {
      const value = names[`${folder}/:${name}`];
      if (value === undefined) throw new Error(`say in open-route-world.ts what ${path} may name`);
      return `${folder}/${value}`;
    });
  return {
    ...server,
    adminKey,
    otherKey,
    runId,
    fill,
    sendTo: (route, { query = "", ...sent } = {}) => {
      const key = route.scope === "tenants:admin" ? adminKey : server.key;
      const path = query === "" ? fill(route) : `${fill(route)}?${query}`;
      return server.send(route.method, path, { key, ...sent });
    },
  };
}

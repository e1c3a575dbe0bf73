// Where the guide's workflows run: a real engine on a store in memory, with the connectors of a development server.
import {
  createConnectors,
  createFunctionCaller,
  createGuard,
  createMemorySandboxStore,
  createSandbox,
} from "@millrace/connectors";
import { createEngine } from "@millrace/engine";
import { createSqliteStorage } from "@millrace/engine/sqlite";
import { asJsonText, DEFAULT_TENANT, type Issue, type JsonValue } from "@millrace/protocol";
import { toRunView, type RunView } from "../../packages/millrace/src/doors/rest/run-view.ts";
import { GUIDE_FUNCTIONS } from "./guide-functions.ts";
import { openFetchSide } from "./open-fetch-side.ts";

/** A server of this world takes its place in the guide's workflows. */
const SHOP = "https://api.example.com";

/** A hang guard. */
const LIMIT_MS = 30_000;

export interface GuideWorld extends AsyncDisposable {
  /** Creates and activates; the names of steps, functions and workflows are the guide's own. */
  install(definition: JsonValue): Promise<Installed>;
  run(workflow: string, input: JsonValue): Promise<RanExample>;
}

export interface Installed {
  readonly id: string;
  readonly warnings: readonly Issue[];
}

export interface RanExample {
  /** As REST shows it. */
  readonly run: RunView;
  /** What it would have sent, in the order in which it was. */
  readonly outbox: readonly JsonValue[];
}

export async function openGuideWorld(): Promise<GuideWorld> {
  const shop = await openFetchSide(answer);
  const guard = createGuard({ mode: "development" });
  const sandbox = createSandbox({ store: createMemorySandboxStore() });
  const { actions } = createConnectors({
    mode: "development",
    guard,
    sandbox,
    email: { from: "shop@example.com" },
  });
  const engine = createEngine({
    storage: await createSqliteStorage({ memory: true }),
    functions: GUIDE_FUNCTIONS,
    actions,
    callFunction: createFunctionCaller(guard),
  });
  await engine.start();
  const tenant = DEFAULT_TENANT;
  const actor = { key: null, address: null };
  await engine.putFunction({
    tenant,
    name: "convertCurrency",
    definition: { target: { kind: "http", url: `${shop.url}/convert` } },
    ifExists: "refuse",
    actor,
  });
  return {
    async install(definition) {
      const text = JSON.stringify(definition).replaceAll(SHOP, shop.url);
      const { workflow, warnings } = await engine.createWorkflow({
        tenant,
        definition: JSON.parse(text) as JsonValue,
        id: null,
        actor,
      });
      await engine.activateWorkflow(tenant, workflow.id, actor);
      return { id: workflow.id, warnings };
    },
    async run(workflow, input) {
      const [outcome] = await engine.startRuns([
        { tenant, workflow, input: asJsonText(JSON.stringify(input)), actor },
      ]);
      if (outcome?.kind !== "created") throw new Error(`${workflow} did not start`);
      const { runId } = outcome;
      const run = await engine.waitForRun(tenant, runId, { timeoutMs: LIMIT_MS });
      if (run === null) throw new Error(`${runId} is gone`);
      const sent = await sandbox.list(tenant, "outbox", { before: null, limit: 100 });
      const outbox = sent.filter((one) => one["runId"] === runId).toReversed();
      return { run: toRunView(run), outbox };
    },
    async [Symbol.asyncDispose]() {
      await engine.stop({ graceMs: 0 });
      await guard.close();
      await shop[Symbol.asyncDispose]();
    },
  };
}

/** The shop: one order, and a function that converts euros. */
async function answer(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname === "/orders/A-17") return Response.json({ id: "A-17", status: "shipped" });
  if (pathname !== "/convert") return new Response(null, { status: 404 });
  const { amount } = (await request.json()) as { readonly amount: number };
  return Response.json({ amount: amount * 2, currency: "usd" });
}

import { describe, expect, onTestFinished, test } from "vitest";
import { actionFailure } from "../../../tools/testkit/action-failure.ts";
import { anActionContext } from "../../../tools/testkit/an-action-context.ts";
import { createConnectors, type ConnectorOptions } from "./connectors.ts";
import { createGuard } from "./guard/guard.ts";
import { createSandbox } from "./sandbox/sandbox.ts";
import { createMemorySandboxStore } from "./sandbox/store.ts";

const open = (options: Partial<ConnectorOptions> = {}): ReturnType<typeof createConnectors> => {
  const { mode = "development" } = options;
  const guard = createGuard({ mode });
  onTestFinished(() => guard.close());
  return createConnectors({ mode, guard, ...options });
};

/** What each connector takes at least. */
const CALLS = [
  ["stripe.createInvoice", { customerId: "cus_1", amount: 5 }, "MILLRACE_STRIPE_KEY"],
  ["stripe.getCustomer", { customerId: "cus_1" }, "MILLRACE_STRIPE_KEY"],
  ["slack.postMessage", { channel: "#a", text: "x" }, "MILLRACE_SLACK_TOKEN"],
  ["email.send", { to: "a@example.com", subject: "x", text: "y" }, "MILLRACE_SMTP_URL"],
] as const;

describe("connectors", () => {
  test.for(CALLS)("%s works in development without configuration", async ([name, input]) => {
    const { actions, sandbox } = open();
    expect(await actions[name]?.(input, anActionContext())).toBeTypeOf("object");
    expect(sandbox).not.toBeNull();
  });

  test.for(CALLS)("%s fails in production without it", async ([name, input, setting]) => {
    const store = createMemorySandboxStore();
    const { actions, sandbox } = open({ mode: "production", sandbox: createSandbox({ store }) });
    const done = actions[name]?.(input, anActionContext()) ?? Promise.resolve();
    const failure = await actionFailure(done);
    expect([failure.code, failure.source]).toEqual(["connection.required", "definition"]);
    expect(failure.message).toContain(`set ${setting}`);
    expect(sandbox).toBeNull();
  });

  test("leave the sandbox for what is configured, one by one", async () => {
    const { actions, sandbox } = open({ stripe: { key: "sk_test_x", url: "http://127.0.0.1:1" } });
    const call = (name: string, input: object): Promise<unknown> =>
      actions[name]?.({ ...input }, anActionContext()) ?? Promise.resolve();
    expect((await actionFailure(call("stripe.createCustomer", {}))).code).toBe("outbound.refused");
    await call("email.send", { to: "a@example.com", subject: "x", text: "y" });
    expect(await sandbox?.list("default", "outbox", { before: null, limit: 9 })).toHaveLength(1);
    expect(await sandbox?.list("default", "customers", { before: null, limit: 9 })).toEqual([]);
  });

  test("have a sandbox of its own for every tenant", async () => {
    const { actions, sandbox } = open();
    const { tenant } = anActionContext();
    await actions["stripe.createCustomer"]?.({ name: "Ada" }, anActionContext());
    expect(await sandbox?.list(tenant, "customers", { before: null, limit: 9 })).toHaveLength(1);
    expect(await sandbox?.list("other", "customers", { before: null, limit: 9 })).toEqual([]);
    await sandbox?.clear(tenant);
    expect(await sandbox?.list(tenant, "customers", { before: null, limit: 9 })).toEqual([]);
  });

  test("are named after what they connect to", () => {
    const { actions } = open();
    for (const name of Object.keys(actions)) expect(name).toMatch(/^[a-z]+\.[a-z][A-Za-z]+$/);
    expect(Object.keys(actions)).toContain("http.request");
  });

  test("refuse an option that nobody knows", () => {
    const options: object = { strpe: { key: "x" } };
    expect(() => open(options)).toThrow('There is no option "strpe". Did you mean "stripe"?');
  });
});

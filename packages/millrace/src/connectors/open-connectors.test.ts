import { access } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { actionFailure } from "../../../../tools/testkit/action-failure.ts";
import { anActionContext } from "../../../../tools/testkit/an-action-context.ts";
import { openFetchSide } from "../../../../tools/testkit/open-fetch-side.ts";
import { plantFolder } from "../../../../tools/testkit/planted-folder.ts";
import type { Mode } from "../mode.ts";
import { readConnectorSettings, type ConnectorSettings } from "./connector-settings.ts";
import { openConnectors, type OpenConnectors } from "./open-connectors.ts";

async function open(
  data: string,
  given: Partial<ConnectorSettings> = {},
  mode: Mode = "development",
): Promise<OpenConnectors> {
  const settings = readConnectorSettings((name) => given[name] ?? null);
  const connectors = await openConnectors({ settings, mode, data });
  onTestFinished(() => connectors.close());
  return connectors;
}

const call = (
  { actions }: OpenConnectors,
  name: string,
  input: Readonly<Record<string, string>>,
): Promise<unknown> => actions[name]?.(input, anActionContext()) ?? Promise.reject(new Error(name));

const MAIL = { to: "ada@example.com", subject: "x", text: "y" };

describe("connectors from settings", () => {
  test("have a sandbox in development that outlives the server", async () => {
    await using folder = await plantFolder({});
    const first = await open(folder.path);
    await call(first, "email.send", MAIL);
    await first.close();
    const second = await open(folder.path);
    await call(second, "email.send", MAIL);
    const page = { before: null, limit: 9 };
    expect(await second.sandbox?.list("default", "outbox", page)).toHaveLength(1);
  });

  test("have none in production, not even a file", async () => {
    await using folder = await plantFolder({});
    const connectors = await open(folder.path, {}, "production");
    expect(connectors.sandbox).toBeNull();
    expect((await actionFailure(call(connectors, "email.send", MAIL))).code).toBe(
      "connection.required",
    );
    await expect(access(join(folder.path, "sandbox.jsonl"))).rejects.toThrow("ENOENT");
  });

  test("go where the settings say, with the accounts that they name", async () => {
    await using folder = await plantFolder({});
    await using side = await openFetchSide((request) =>
      Response.json(
        request.url.endsWith("/v1/customers")
          ? { id: "cus_1" }
          : { ok: true, channel: "C1", ts: "1.2" },
      ),
    );
    const connectors = await open(folder.path, {
      stripeKey: "sk_test_1",
      stripeUrl: side.url,
      slackToken: "xoxb-1",
      slackUrl: `${side.url}/api/`,
    });
    expect(await call(connectors, "stripe.createCustomer", {})).toEqual({ id: "cus_1" });
    await call(connectors, "slack.postMessage", { channel: "C1", text: "x" });
    expect(side.requests.map((it) => it.headers.get("authorization"))).toEqual([
      "Bearer sk_test_1",
      "Bearer xoxb-1",
    ]);
  });

  test("let out to what the allow-list names", async () => {
    await using folder = await plantFolder({});
    await using side = await openFetchSide(() => Response.json({ id: "cus_1" }));
    const account = { stripeKey: "sk_test_1", stripeUrl: side.url };
    const shut = await open(folder.path, account, "production");
    const failure = await actionFailure(call(shut, "stripe.createCustomer", {}));
    expect(failure.code).toBe("outbound.refused");
    const allowed = { ...account, outboundAllow: ` api.example.com, 127.0.0.1:${side.port}, ` };
    const ajar = await open(folder.path, allowed, "production");
    expect(await call(ajar, "stripe.createCustomer", {})).toEqual({ id: "cus_1" });
  });

  test("refuse an allow-list that says nothing", async () => {
    await using folder = await plantFolder({});
    await expect(open(folder.path, { outboundAllow: "https://example.com" })).rejects.toThrow(
      'The allow-list has "https://example.com"',
    );
  });

  test("send mail from whom the settings say", async () => {
    await using folder = await plantFolder({});
    const connectors = await open(folder.path, { mailFrom: "Shop <shop@example.com>" });
    await call(connectors, "email.send", MAIL);
    const found = await connectors.sandbox?.list("default", "outbox", { before: null, limit: 1 });
    expect(found).toMatchObject([{ message: { from: "Shop <shop@example.com>" } }]);
  });
});

// From settings to connectors: the guard, the vendors' accounts, and in development the sandbox on the disk.
import {
  createConnectors,
  createFunctionCaller,
  createGuard,
  createSandbox,
  type ConnectorOptions,
  type Sandbox,
} from "@millrace/connectors";
import type { Actions, FunctionCaller } from "@millrace/protocol";
import { join } from "node:path";
import type { Mode } from "../mode.ts";
import type { ConnectorSettings } from "./connector-settings.ts";
import { openSandboxFile } from "./sandbox-file.ts";

export interface OpenConnectors {
  readonly actions: Actions;
  /** Calls stored functions. */
  readonly callFunction: FunctionCaller;
  /** null: there is none outside development. */
  readonly sandbox: Sandbox | null;
  /** Once no action runs any more. */
  close(): Promise<void>;
}

export interface OpenConnectorsOptions {
  readonly settings: ConnectorSettings;
  readonly mode: Mode;
  /** The data folder, which is there. */
  readonly data: string;
}

/** @throws {MillraceError} option.invalid */
export async function openConnectors(options: OpenConnectorsOptions): Promise<OpenConnectors> {
  const { settings, mode, data } = options;
  const guard = createGuard({
    mode,
    allow: toAllowList(settings.outboundAllow),
    allowOnly: settings.outboundAllowOnly === "true",
  });
  const file =
    mode === "development" ? await openSandboxFile({ path: join(data, "sandbox.jsonl") }) : null;
  const { actions, sandbox } = createConnectors({
    mode,
    guard,
    ...toAccounts(settings),
    ...(file === null ? {} : { sandbox: createSandbox({ store: file }) }),
  });
  return {
    actions,
    callFunction: createFunctionCaller(guard),
    sandbox,
    close: async () => {
      await guard.close();
      await file?.close();
    },
  };
}

const toAllowList = (text: string | null): readonly string[] =>
  (text ?? "")
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");

type Accounts = Pick<ConnectorOptions, "stripe" | "slack" | "email">;

function toAccounts(settings: ConnectorSettings): Accounts {
  const { stripeKey, stripeUrl, slackToken, slackUrl, smtpUrl, mailFrom } = settings;
  return {
    ...(stripeKey === null ? {} : { stripe: { key: stripeKey, ...toUrl(stripeUrl) } }),
    ...(slackToken === null ? {} : { slack: { token: slackToken, ...toUrl(slackUrl) } }),
    email: { ...toUrl(smtpUrl), ...(mailFrom === null ? {} : { from: mailFrom }) },
  };
}

const toUrl = (url: string | null): { readonly url?: string } => (url === null ? {} : { url });

import { MillraceError, nearName, type Actions } from "@millrace/protocol";
import { connectionRequired } from "./connection-required.ts";
import { createEmailActions, type EmailSettings } from "./email/index.ts";
import type { Guard } from "./guard/guard.ts";
import { createHttpActions } from "./http/create-http-actions.ts";
import { createMemorySandboxStore, createSandbox, type Sandbox } from "./sandbox/index.ts";
import { createSlackActions, type SlackSettings } from "./slack/index.ts";
import { createStripeActions, type StripeSettings } from "./stripe/index.ts";

export interface ConnectorOptions {
  /** In development a sandbox serves for what is not configured; in production such an action fails. */
  readonly mode: "development" | "production";
  /** Everything that leaves the process goes through it. */
  readonly guard: Guard;
  readonly stripe?: StripeSettings;
  readonly slack?: SlackSettings;
  readonly email?: EmailSettings;
  /** Default in development: one in memory. Production has none, whatever is given. */
  readonly sandbox?: Sandbox;
}

export interface Connectors {
  /** For `createEngine({ actions })`. */
  readonly actions: Actions;
  /** null: there is none, since this is no development. */
  readonly sandbox: Sandbox | null;
}

const OPTION_NAMES = ["mode", "guard", "stripe", "slack", "email", "sandbox"];

/**
 * @throws {MillraceError} option.invalid
 *
 * @example
 * const guard = createGuard({ mode: "production" });
 * const { actions } = createConnectors({ mode: "production", guard, stripe: { key } });
 * const engine = createEngine({ storage, actions });
 */
export function createConnectors(options: ConnectorOptions): Connectors {
  checkOptions(options);
  const { mode, guard, stripe, slack, email = {} } = options;
  const sandbox = mode === "development" ? (options.sandbox ?? openMemorySandbox()) : null;
  const actions = {
    ...createHttpActions(guard),
    ...createStripeActions(({ tenant }) => {
      if (stripe !== undefined) return { ...stripe, fetch: guard.fetch };
      if (sandbox !== null) return { key: SANDBOX_KEY, fetch: sandbox.stripe(tenant) };
      throw connectionRequired("Stripe", "MILLRACE_STRIPE_KEY");
    }),
    ...createSlackActions(() => {
      if (slack !== undefined) return { to: "slack", connection: { ...slack, fetch: guard.fetch } };
      if (sandbox !== null) return { to: "sandbox", sandbox };
      throw connectionRequired("Slack", "MILLRACE_SLACK_TOKEN");
    }),
    ...createEmailActions({
      find: () => {
        if (email.url !== undefined) return { to: "server", url: email.url, outbound: guard };
        if (sandbox !== null) return { to: "sandbox", sandbox };
        throw connectionRequired("Mail", "MILLRACE_SMTP_URL");
      },
      from: email.from ?? null,
    }),
  };
  return { actions, sandbox };
}

const SANDBOX_KEY = "sk_test_sandbox";

const openMemorySandbox = (): Sandbox => createSandbox({ store: createMemorySandboxStore() });

/** A slip in an option's name would send nothing, or to the wrong place. */
function checkOptions(options: ConnectorOptions): void {
  const unknown = Object.keys(options).find((name) => !OPTION_NAMES.includes(name));
  if (unknown === undefined) return;
  const near = nearName(unknown, OPTION_NAMES);
  const hint =
    near === undefined ? `There are ${OPTION_NAMES.join(", ")}` : `Did you mean "${near}"?`;
  throw new MillraceError("option.invalid", `There is no option "${unknown}". ${hint}`);
}

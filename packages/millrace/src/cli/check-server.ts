// What `millrace doctor` looks at beyond this machine's files: who answers, whether the key opens the door, and what
// serves for the world outside.
import type { App } from "../app.ts";
import { readConnectorSettings } from "../connectors/connector-settings.ts";
import { listen } from "../listen.ts";
import { isLoopbackHost } from "../loopback.ts";
import { VERSION } from "../version.ts";
import { createClient, NoConnectionError, RefusedError } from "./client.ts";
import type { Connection } from "./connection.ts";
import { errorCodeOf } from "./error-code.ts";
import { fail, ok, warn, type Finding } from "./finding.ts";
import type { Io } from "./io.ts";
import type { Settings } from "./settings.ts";

interface HealthView {
  readonly status: string;
  readonly reason: string | null;
  readonly version: string;
}

interface Answered {
  readonly finding: Finding;
  /** Something that can be asked further is there. */
  readonly isServer: boolean;
}

const SLOW_MS = 5_000;
const MOST_SKEW_MS = 5_000;

export const isOnThisMachine = ({ server }: Connection): Promise<boolean> =>
  isLoopbackHost(new URL(server).hostname.replace(/^\[|\]$/g, ""));

export async function checkServer(connection: Connection, io: Io): Promise<readonly Finding[]> {
  const { finding, isServer } = await askHealth(connection, io);
  const key = isServer
    ? await checkKey(connection, io)
    : warn("key", "not tried, since no server answers", "Start one, and ask again.");
  return [finding, key];
}

const withLimit = (io: Io): Pick<Io, "fetch"> => ({
  fetch: (url, init) => io.fetch(url, { ...init, signal: AbortSignal.timeout(SLOW_MS) }),
});

async function askHealth(connection: Connection, io: Io): Promise<Answered> {
  const check = "server";
  try {
    const client = createClient({ ...connection, key: null, tenant: null }, withLimit(io));
    const { data, headers } = await client.get<HealthView>("/api/v1/health");
    return { finding: judgeHealth(connection, data, headers), isServer: true };
  } catch (error) {
    if (error instanceof RefusedError) {
      const advice = "Its log says why.";
      return { finding: fail(check, `is not ready: ${error.message}`, advice), isServer: true };
    }
    if (!(error instanceof NoConnectionError)) throw error;
    const cause = error.cause;
    // It answered, though not as Millrace does.
    if (cause === undefined)
      return { finding: fail(check, error.message, STRANGER), isServer: false };
    return { finding: await judgeSilence(connection), isServer: false };
  }
}

const STRANGER =
  "Name another address with --server, or start Millrace on another port with --port.";

function judgeHealth({ server }: Connection, health: HealthView, headers: Headers): Finding {
  const check = "server";
  const message = `${server} is ${health.status}, version ${health.version}`;
  const skewMs = Math.abs(Date.parse(headers.get("date") ?? "") - Date.now());
  if (health.status !== "ready") {
    return fail(check, `${message}: ${health.reason ?? "no reason given"}`, "Its log says more.");
  }
  if (health.version !== VERSION) {
    return warn(check, message, `This command is ${VERSION}: update the older of the two.`);
  }
  // `date` counts whole seconds.
  if (skewMs > MOST_SKEW_MS) {
    const seconds = Math.round(skewMs / 1000);
    const advice = "Keep both clocks right with NTP.";
    return warn(check, `${message}, and its clock differs by ${seconds} s`, advice);
  }
  return ok(check, message);
}

async function judgeSilence(connection: Connection): Promise<Finding> {
  const check = "server";
  const { server } = connection;
  if (!(await isOnThisMachine(connection))) {
    const advice = "Is the address right, and is it reached from here? Name another with --server.";
    return fail(check, `nobody answers at ${server}`, advice);
  }
  const { hostname, port, protocol } = new URL(server);
  const number = Number(port === "" ? (protocol === "https:" ? 443 : 80) : port);
  const problem = await tryToListen(hostname.replace(/^\[|\]$/g, ""), number);
  if (problem === null) {
    return ok(check, `none runs, and port ${number} is free: millrace start`);
  }
  const why =
    problem === "EADDRINUSE" ? "is taken by another program" : `cannot be used (${problem})`;
  return fail(check, `port ${number} ${why}`, "Choose another port with --port.");
}

/** Serves nobody: the port is given back as soon as it is had. */
const NO_APP: App = {
  bodyLimitOf: () => 0,
  fetch: () => Promise.resolve(new Response(null, { status: 503 })),
  refuse: () => new Response(null, { status: 503 }),
};

/** @returns what the system calls the problem; null: the port is free */
async function tryToListen(host: string, port: number): Promise<string | null> {
  try {
    const listener = await listen({ app: NO_APP, host, port });
    await listener.close();
    return null;
  } catch (error) {
    const code = errorCodeOf(error);
    if (code === null) throw error;
    return code;
  }
}

async function checkKey(connection: Connection, io: Io): Promise<Finding> {
  const check = "key";
  if (connection.key === null) {
    return fail(check, "there is none", "Give one with --key, MILLRACE_KEY or a profile.");
  }
  try {
    await createClient(connection, withLimit(io)).get("/api/v1/workflows?limit=1");
    return ok(check, "the server takes it");
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    // The key is good; it may only not look at workflows.
    if (error.error.reason === "request.forbidden") return ok(check, "the server takes it");
    const advice =
      error.status === 401
        ? "Make one with millrace keys create, or, of a development server, name its folder with --data."
        : "The server's log says more.";
    return fail(check, error.message, advice);
  }
}

export function checkConnectors(settings: Settings, isDevelopment: boolean): Finding {
  const check = "connectors";
  const { stripeKey, slackToken, smtpUrl } = readConnectorSettings((name) => settings.get(name));
  const all = { Stripe: stripeKey, Slack: slackToken, "e-mail": smtpUrl };
  const names = Object.entries(all);
  const missing = names.flatMap(([name, value]) => (value === null ? [name] : []));
  const configured = names.flatMap(([name, value]) => (value === null ? [] : [name]));
  if (missing.length === 0) return ok(check, `${configured.join(", ")} configured`);
  const shown = configured.length === 0 ? "" : `${configured.join(", ")} configured; `;
  if (isDevelopment) return ok(check, `${shown}the sandbox serves for ${missing.join(", ")}`);
  const advice = "Steps that use them fail; see docs/learning/connectors.md.";
  return warn(check, `${shown}none for ${missing.join(", ")}`, advice);
}

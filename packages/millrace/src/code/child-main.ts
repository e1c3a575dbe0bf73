// A process that executes users' code for a server: loads the modules that it is told of, and does what the server's
// engine asks. It ends with its server.
import { MillraceError, type HostCommand, type HostReport } from "@millrace/protocol";
import { CodeHost } from "@millrace/sdk";
import { AsyncLocalStorage } from "node:async_hooks";
import module from "node:module";
import { Worker } from "node:worker_threads";
import { createBatcher, type FromChild, type ToChild } from "./child-messages.ts";
import { Culprits, type Misdeed } from "./culprits.ts";
import { loadCode } from "./load-code.ts";

/** Bodies that run when the server stops have had their time there; this is for what they leave behind. */
const CLOSE_GRACE_MS = 1_000;

const culprits = new Culprits();
const send = (message: FromChild): void => void process.send?.(message);
const outgoing = createBatcher<HostReport>((reports) => send({ type: "reports", reports }));
let host: CodeHost | undefined;
let isClosing = false;

// A terminal's Ctrl-C reaches the whole group; the server says when it is time.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => {});
process.on("disconnect", () => process.exit(0));
process.on("exit", (code) => {
  if (!isClosing) confess({ kind: "exit", code });
});
process.on("uncaughtException", (thrown) => {
  send({ type: "stray", message: `an exception was not caught: ${toStack(thrown)}` });
  confess({ kind: "exception", thrown });
  // It may have left anything behind.
  isClosing = true;
  process.exit(1);
});
process.on("unhandledRejection", (thrown) => {
  const report = culprits.accuse({ kind: "rejection", thrown });
  if (report !== null) tell(report);
  else send({ type: "stray", message: `a rejected promise was left behind: ${toStack(thrown)}` });
});
process.on("message", (message) => {
  // The server's own.
  handle(message as ToChild);
});

/** On Windows the number of a parent stays when it is gone. */
function watchServer(): void {
  if (process.platform === "win32") return;
  const file = import.meta.url.endsWith(".ts") ? "./orphan-watch.ts" : "./orphan-watch.js";
  new Worker(new URL(file, import.meta.url), { env: {} }).unref();
}

/** Last words, written at once: pipes of this kind are synchronous as long as there is room in them. */
function confess(misdeed: Misdeed): void {
  const { current } = culprits;
  if (current === undefined) return;
  tell(culprits.accuse(misdeed));
  outgoing.flush();
  send({ type: "blame", session: current.type === "open" ? current.session : null });
}

function tell(report: HostReport | null): void {
  if (report !== null) outgoing.add([report]);
}

function handle(message: ToChild): void {
  switch (message.type) {
    case "load":
      void load(message.files);
      return;
    case "commands":
      for (const command of message.commands) obey(command);
      return;
    case "ping":
      outgoing.flush();
      send({ type: "pong" });
      return;
    case "close":
      void close();
      return;
  }
}

function obey(command: HostCommand): void {
  culprits.run(command, () => host?.handle([command]));
}

async function load(files: readonly string[]): Promise<void> {
  try {
    watchServer();
    module.enableCompileCache();
    const { functions, workflows, warnings } = await loadCode(files);
    host = new CodeHost({
      workflows: workflows.map(({ workflow }) => workflow),
      functions,
      report: (reports) => outgoing.add(reports),
      ports: { bodyScope: new AsyncLocalStorage<string>() },
    });
    send({
      type: "ready",
      workflows: host.offers(),
      origins: workflows.map(({ origin }) => origin),
      functions: host.functionNames,
      warnings,
    });
  } catch (error) {
    const message = MillraceError.is(error) ? error.message : toStack(error);
    send({ type: "refused", message });
  }
}

async function close(): Promise<void> {
  isClosing = true;
  setTimeout(() => process.exit(0), CLOSE_GRACE_MS).unref();
  await host?.idle();
  host?.close();
  process.disconnect();
}

function toStack(thrown: unknown): string {
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : `thrown: ${String(thrown)}`;
}

// One code run in a simulated worker: its script, told what settles, slow and out of step.
import {
  asJsonText,
  type BodyResult,
  type CodeRequest,
  type CodeTask,
  type HostReport,
  type SessionId,
  type Settlement,
  type StopNotice,
  toTimestamp,
} from "@millrace/protocol";
import type { OperationBody, Request } from "../core/program.ts";
import type { Checker } from "./checker.ts";
import type { Random } from "./random.ts";
import { ScriptProgram, type CallInput, type Script } from "./script.ts";
import type { Host, World } from "./world.ts";

export interface SimSessionOptions {
  readonly world: World;
  /** The process that it runs in. */
  readonly host: Host;
  readonly checker: Checker;
  readonly random: Random;
  /** The process ends here and now. */
  readonly die: () => void;
}

type Told = { readonly settlement: Settlement } | { readonly notice: StopNotice } | null;

export class SimSession {
  readonly #id: SessionId;
  readonly #task: CodeTask;
  readonly #program: ScriptProgram;
  readonly #report: (...reports: HostReport[]) => void;
  readonly #options: SimSessionOptions;
  /** What had settled when the session began; it is not asked for. */
  readonly #settled: ReadonlySet<string>;
  /** Where the journal says that operations were asked for, by key. */
  readonly #positions: ReadonlyMap<string, number>;
  readonly #asked = new Set<string>();
  readonly #calls = new Map<string, CallInput>();
  readonly #queue: Told[];
  #position = 0;
  #stopped: StopNotice | null = null;
  #isWorking = false;

  constructor(
    id: SessionId,
    task: CodeTask,
    script: Script,
    report: (...reports: HostReport[]) => void,
    options: SimSessionOptions,
  ) {
    this.#id = id;
    this.#task = task;
    this.#program = new ScriptProgram(script);
    this.#report = report;
    this.#options = options;
    this.#settled = new Set(task.settled.map(({ key }) => key));
    const known = [...task.settled, ...task.open];
    this.#positions = new Map(known.map(({ key, position }) => [key, position]));
    const told: Told[] = task.settled.map((settlement) => ({ settlement }));
    if (task.stop !== null) told.push({ notice: task.stop });
    this.#queue = [null, ...told.toSorted((a, b) => sequenceOf(a) - sequenceOf(b))];
    this.#work();
  }

  tell(settlement: Settlement): void {
    this.#queue.push({ settlement });
    this.#work();
  }

  stop(notice: StopNotice): void {
    this.#queue.push({ notice });
    this.#work();
  }

  attempt(key: string, attempt: number): void {
    const { world, host, checker, random, die } = this.#options;
    const { needs, failures, kills } = this.#calls.get(key) ?? NO_INPUT;
    checker.bodyStarted(this.#task.runId, key, needs);
    world.note(`${this.#task.runId}/${key}#${attempt}`);
    const tookMs = random.chance(0.1) ? random.between(0, 15_000) : random.between(0, 50);
    world.after(tookMs, host, () => {
      if (kills) {
        die();
        return;
      }
      const result: BodyResult =
        attempt > failures
          ? { ok: true, output: asJsonText(JSON.stringify(`${key}#${attempt}`)) }
          : {
              ok: false,
              failure: { code: "step.failed", message: `attempt ${attempt} fails`, source: "code" },
              retryAfterMs: null,
              terminal: false,
            };
      this.#report({ type: "attempted", session: this.#id, key, attempt, result });
    });
  }

  /** One after the other, with a pause: meanwhile more may be told. */
  #work(): void {
    if (this.#isWorking) return;
    this.#isWorking = true;
    const { world, host, random } = this.#options;
    world.after(random.between(0, 20), host, () => {
      this.#isWorking = false;
      const [told, ...rest] = this.#queue;
      if (told === undefined) return;
      this.#queue.splice(0, this.#queue.length, ...rest);
      this.#hear(told);
      if (rest.length > 0) this.#work();
      else this.#report({ type: "idle", session: this.#id, sequence: this.#position });
    });
  }

  #hear(told: Told): void {
    if (told === null) {
      this.#ask(this.#program.begin());
      return;
    }
    this.#position = sequenceOf(told);
    if ("notice" in told) {
      this.#stopped = told.notice;
      const [done] = this.#program.order;
      this.#ask(done === undefined ? [this.#end()] : [rollback(done)]);
      return;
    }
    const { key, outcome } = told.settlement;
    if (!this.#asked.has(key)) this.#diverge(key, "has settled, and was not asked for");
    if (key.startsWith("rollback/")) this.#ask([this.#end()]);
    else if (this.#stopped === null) this.#ask(this.#program.settled(key, outcome));
  }

  #diverge(step: string, how: string): void {
    this.#report({ type: "diverged", session: this.#id, step, message: `${step} ${how}` });
  }

  #end(): Request {
    return { kind: "end", outcome: this.#stopped?.outcome ?? { status: "cancelled" } };
  }

  #ask(requests: readonly Request[]): void {
    const wanted = requests.filter((it) => it.kind === "end" || !this.#settled.has(it.key));
    for (const request of requests) {
      if (request.kind === "end") continue;
      this.#asked.add(request.key);
      const position = this.#positions.get(request.key) ?? this.#position;
      if (position !== this.#position)
        this.#diverge(request.key, `is asked for at ${this.#position}, and was at ${position}`);
      if (request.body.kind === "call") {
        // Written by `ScriptProgram`.
        this.#calls.set(request.key, JSON.parse(request.body.input) as CallInput);
      }
    }
    if (wanted.length === 0) return;
    const asked = wanted.map(toCodeRequest);
    this.#report({ type: "asked", session: this.#id, position: this.#position, requests: asked });
  }
}

const NO_INPUT: CallInput = { needs: [], failures: 0, kills: false };

const sequenceOf = (told: Told): number =>
  told === null ? 0 : "notice" in told ? told.notice.sequence : told.settlement.sequence;

const rollback = (key: string): Request => ({
  kind: "operation",
  key: `rollback/${key}`,
  body: {
    kind: "call",
    executor: "code",
    target: key,
    input: asJsonText(JSON.stringify({ ...NO_INPUT, needs: [key] })),
    retry: { retries: 1, initialDelayMs: 100, maxDelayMs: 100, factor: 1 },
    timeoutMs: 30_000,
  },
});

function toCodeRequest(request: Request): CodeRequest {
  return request.kind === "end" ? request : toAsked(request.key, request.body);
}

function toAsked(key: string, body: OperationBody): CodeRequest {
  switch (body.kind) {
    case "call":
      return { kind: "run", key, retry: body.retry, timeoutMs: body.timeoutMs };
    case "timer":
      return "afterMs" in body.due
        ? { kind: "sleep", key, due: { afterMs: body.due.afterMs } }
        : { kind: "sleep", key, due: { at: toTimestamp(body.due.at) } };
    case "event":
      return { ...body, key };
    case "child": {
      const { workflow, input } = body;
      return { kind: "invoke", key, workflow, input, metadata: {}, onParentEnd: "cancel" };
    }
    case "value":
      return { kind: "note", key, output: asJsonText(JSON.stringify(key)) };
    case "notify":
      throw new Error("no script asks for a notice");
  }
}

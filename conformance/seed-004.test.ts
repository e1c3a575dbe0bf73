// The samples of seed 004 (workflows as lists, over REST), by their numbers, on a server with a port.
//
// The complete example (24) has a file of its own.
// Not here yet, since it needs connections: the one that a run chooses (15 beyond a wrong id).
import { createApp, createLog } from "millrace";
import { describe, expect, test } from "vitest";
import { NodeWorld } from "../packages/engine/src/testkit/node-world.ts";
import { collect } from "../tools/run.ts";
import { ROOT } from "../tools/workspace.ts";
import { digestOf } from "../packages/millrace/src/auth/key.ts";
import {
  openListeningServer,
  type ListeningServer,
  type SampleAnswer,
} from "./open-listening-server.ts";
import { parseRequestsPost } from "./printed-request.ts";
import { createMeeting, recordCalls } from "./recorded-functions.ts";
import { countRuns, ended, get, post } from "./rest-requests.ts";
import { curl, ECHO } from "./seed-004-samples.ts";
import { evaluate, fillIn, readJsonSample, readSample, recordConsole } from "./sample.ts";

const PATIENT = { timeout: 60_000 };
const DAY_MS = 24 * 60 * 60 * 1_000;
const RUN_ID = /^run_[0-9A-Z]{26}$/;

/** What JSON makes of a value's type, by field: a list by its first element. */
function typesOf(value: unknown): unknown {
  if (Array.isArray(value)) return [typesOf(value[0])];
  if (typeof value !== "object" || value === null) return typeof value;
  return Object.fromEntries(Object.entries(value).map(([name, it]) => [name, typesOf(it)]));
}

/** Runs a script. @returns its standard output */
const python = (script: string): Promise<string> =>
  collect({
    command: "python3",
    args: ["-c", script],
    cwd: ROOT,
    env: process.env,
    limitMs: PATIENT.timeout,
  });

async function hasRequests(): Promise<boolean> {
  try {
    await python("import requests");
    return true;
  } catch {
    // No Python, or one without it.
    return false;
  }
}

const HAS_REQUESTS = await hasRequests();

describe("Running a workflow", PATIENT, () => {
  const PRINTED_INPUT = { customerId: "cus_xxx", amount: 9900 };

  test("004-1: a trigger of which only the type is said is whole", async () => {
    await using here = await openListeningServer();
    const created = await here.send(post(here, "/workflows", ECHO));
    expect([created.status, created.body.data["trigger"]]).toEqual([201, { type: "api" }]);
  });

  test("004-2: curl starts a run, and reads its id in the envelope", async () => {
    await using here = await openListeningServer();
    const workflow = await here.server.install(ECHO);
    const answer = await here.send(curl("004/02-run.sh", here, { workflow }));
    expect([answer.status, answer.body.success]).toEqual([201, true]);
    expect(answer.body.data["runId"]).toMatch(RUN_ID);
    expect(await ended(here, answer)).toMatchObject({ status: "completed", input: PRINTED_INPUT });
  });

  test("004-3: fetch in Node starts a run", async () => {
    await using here = await openListeningServer();
    const workflowId = await here.server.install(ECHO);
    const console = recordConsole();
    const process = { env: { API_KEY: here.server.key } };
    const names = { fetch: here.fetch, workflowId, process, console };
    await evaluate(readSample("004/03-run.js"), names);
    expect(console.lines).toEqual([["Run ID:", expect.stringMatching(RUN_ID) as string]]);
    const run = await here.send(get(here, `/runs/${String(console.lines[0]?.[1])}`));
    expect(run.body.data["input"]).toEqual(PRINTED_INPUT);
  });

  test("004-4: requests in Python starts a run", async () => {
    await using here = await openListeningServer();
    const workflow = await here.server.install(ECHO);
    const variables = { workflow_id: workflow, api_key: here.server.key };
    const answer = await here.send(parseRequestsPost(readSample("004/04-run.py"), variables));
    expect([answer.status, answer.body.data["runId"]]).toEqual([
      201,
      expect.stringMatching(RUN_ID) as string,
    ]);
    expect(await ended(here, answer)).toMatchObject({ status: "completed", input: PRINTED_INPUT });
  });

  // Beside the test above, which sends what it sends: not every machine has it.
  test.skipIf(!HAS_REQUESTS)("004-4: the real requests of Python starts a run", async () => {
    await using here = await openListeningServer();
    const workflow = await here.server.install(ECHO);
    const values = `workflow_id, api_key = ${JSON.stringify([workflow, here.server.key])}\n`;
    const printed = readSample("004/04-run.py").replaceAll("http://localhost:3000", here.url);
    const out = await python(values + printed);
    expect(out).toMatch(/^Run ID: run_[0-9A-Z]{26}\n$/);
    expect(await countRuns(here)).toBe(1);
  });

  test("004-5: each field of the body may be left out, and so may the body", async () => {
    await using here = await openListeningServer();
    await here.server.install(ECHO);
    const bodies = [undefined, "", {}, { input: {} }, { idempotencyKey: "unique-key-123" }];
    for (const body of bodies) {
      const answer = await here.send(post(here, "/workflows/wf_echo/run", body));
      expect([body, answer.status]).toEqual([body, 201]);
      expect(await ended(here, answer)).toMatchObject({ status: "completed", input: {} });
    }
  });

  test("004-5: the printed body is JSON but for its comment", async () => {
    await using here = await openListeningServer();
    await here.server.install(ECHO);
    const printed = readSample("004/05-request-body.json");
    const asPrinted = await here.send(post(here, "/workflows/wf_echo/run", printed));
    expect([asPrinted.status, asPrinted.body.error.code]).toEqual([400, "VALIDATION_ERROR"]);
    const withoutComment = fillIn(printed, "// Your workflow input data\n", "");
    // There are no connections yet.
    const body = fillIn(withoutComment, '"connectionId": "conn_xxx",\n', "");
    const answer = await here.send(post(here, "/workflows/wf_echo/run", body));
    expect(answer.status).toBe(201);
  });

  test("004-5: a field of the wrong type is 400 with its path", async () => {
    await using here = await openListeningServer();
    await here.server.install(ECHO);
    const wrong = [
      { input: [] },
      { input: "text" },
      { input: null },
      { connectionId: 1 },
      { idempotencyKey: 1 },
      { idempotencyKey: "" },
      { idempotencyKey: "x".repeat(256) },
    ];
    for (const fields of wrong) {
      const { status, body } = await here.send(post(here, "/workflows/wf_echo/run", fields));
      expect([fields, status, body.error.code]).toEqual([fields, 400, "VALIDATION_ERROR"]);
      expect(body.error.details.map(({ path }) => path)).toEqual([Object.keys(fields)]);
    }
    expect(await countRuns(here)).toBe(0);
  });

  test("004-6: the answer has the four printed fields, with the version that is active", async () => {
    await using here = await openListeningServer();
    const workflow = await here.server.install(ECHO);
    for (const description of ["second", "third"]) {
      const { id: _, ...definition } = ECHO;
      const edited = { ...post(here, `/workflows/${workflow}`, { ...definition, description }) };
      const saved = await here.send({ ...edited, method: "PUT" });
      expect(saved.status).toBe(200);
    }
    const answer = await here.send(post(here, `/workflows/${workflow}/run`));
    const printed = readJsonSample("004/06-response.json");
    expect(typesOf(answer.body)).toEqual(typesOf(printed));
    expect(answer.body).toMatchObject({
      success: true,
      data: {
        runId: expect.stringMatching(RUN_ID) as string,
        status: "pending",
        workflowId: workflow,
        workflowVersion: 3,
      },
    });
  });
});

describe("Input data", PATIENT, () => {
  test("004-7, 004-8: templates find fields and elements of lists, and leave the text around them", async () => {
    const recorded = recordCalls({ send: () => null });
    await using here = await openListeningServer({ functions: recorded.functions });
    const { config } = readJsonSample("004/08-templates.json") as { readonly config: object };
    const step = { id: "send", type: "function", function: "send", config: { input: config } };
    const workflow = await here.server.install({ name: "Templates", steps: [step] });
    const body = readSample("004/07-input-data.json");
    const answer = await here.send(post(here, `/workflows/${workflow}/run`, body));
    expect((await ended(here, answer)).status).toBe("completed");
    expect(recorded.calls.map(({ input }) => input)).toEqual([
      { to: "customer@example.com", subject: "Order for Widget" },
    ]);
  });
});

describe("Input validation", PATIENT, () => {
  /** Its steps are left out: one that gives back its input. */
  const CREATE_INVOICE = fillIn(
    readSample("004/09-create-invoice.json"),
    "[...]",
    JSON.stringify(ECHO.steps),
  );

  async function start(here: ListeningServer, input: object): Promise<SampleAnswer> {
    return here.send(post(here, "/workflows/create-invoice/run", { input }));
  }

  async function open(): Promise<ListeningServer> {
    const here = await openListeningServer();
    await here.server.install(JSON.parse(CREATE_INVOICE) as object);
    return here;
  }

  test("004-9: input that fits runs, with the default in the place of what is missing", async () => {
    await using here = await open();
    const least = await start(here, { customerId: "cus_xxx1", amount: 100 });
    const input = { customerId: "cus_xxx1", amount: 100, currency: "usd" };
    expect(await ended(here, least)).toMatchObject({ input, output: { got: input } });
    const more = { customerId: "cus_A", amount: 9900, currency: "eur" };
    expect(await ended(here, await start(here, more))).toMatchObject({ input: more });
  });

  test("004-9: input against pattern, minimum, type or enum is 400 with path and message", async () => {
    await using here = await open();
    const fitting = { customerId: "cus_xxx", amount: 100, currency: "gbp" };
    const least = "Number must be greater than or equal to 100";
    const wrong = [
      [{ customerId: "cus_xxx-1" }, "Invalid"],
      [{ customerId: "x cus_xxx" }, "Invalid"],
      [{ customerId: "cus_" }, "Invalid"],
      [{ customerId: 7 }, "Expected string, received number"],
      [{ amount: 99 }, least],
      [{ amount: 99.99 }, least],
      [{ amount: "100" }, "Expected number, received string"],
      [{ currency: "gold" }, "Invalid enum value"],
    ] as const;
    for (const [fields, message] of wrong) {
      const { status, body } = await start(here, { ...fitting, ...fields });
      expect([fields, status, body.error.code]).toEqual([fields, 400, "VALIDATION_ERROR"]);
      expect(body.error.details).toMatchObject([{ path: Object.keys(fields), message }]);
    }
    expect(await countRuns(here)).toBe(0);
    expect((await start(here, fitting)).status).toBe(201);
  });

  test("004-9: all that is wrong is told at once", async () => {
    await using here = await open();
    const { body } = await start(here, { customerId: "no", currency: "gold" });
    expect(body.error.details.map(({ path }) => path.join("."))).toEqual(
      expect.arrayContaining(["customerId", "amount", "currency"]),
    );
  });

  test("004-10: the answer to input without its customer is the printed one", async () => {
    await using here = await open();
    const { status, body } = await start(here, { amount: 9900 });
    expect(status).toBe(400);
    expect(body).toMatchObject(readJsonSample("004/10-validation-error.json") as object);
  });

  test("004-19: the answer to invalid input has the printed code and message", async () => {
    await using here = await open();
    const { status, body } = await start(here, {});
    const printed = fillIn(readSample("004/19-invalid-input.json"), "[...]", "[{}, {}]");
    expect(status).toBe(400);
    expect(body).toMatchObject(JSON.parse(printed) as object);
  });
});

describe("Idempotency", PATIENT, () => {
  const PRINTED = "004/11-idempotency.sh";

  test("004-11: the second of two equal calls gets the run of the first", async () => {
    await using here = await openListeningServer();
    const workflow = await here.server.install(ECHO);
    const first = await here.send(curl(PRINTED, here, { workflow }));
    const second = await here.send(curl(PRINTED, here, { workflow }));
    expect([first.status, second.status]).toEqual([201, 200]);
    expect(second.body.data["runId"]).toBe(first.body.data["runId"]);
    expect(await countRuns(here)).toBe(1);
    expect(await ended(here, first)).toMatchObject({ input: { orderId: "order_123" } });
  });

  test("004-11: twenty calls at once start one run", async () => {
    await using here = await openListeningServer();
    const workflow = await here.server.install(ECHO);
    const request = curl(PRINTED, here, { workflow });
    const all = await Promise.all(Array.from({ length: 20 }, () => here.send(request)));
    expect(new Set(all.map(({ body }) => body.data["runId"])).size).toBe(1);
    expect(all.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(await countRuns(here)).toBe(1);
  });

  test("004-11: the key of one workflow is free in another", async () => {
    await using here = await openListeningServer();
    const workflow = await here.server.install(ECHO);
    const other = await here.server.install({ ...ECHO, id: "wf_other", name: "Other" });
    const one = await here.send(curl(PRINTED, here, { workflow }));
    const two = await here.send(curl(PRINTED, here, { workflow: other }));
    expect([one.status, two.status]).toEqual([201, 201]);
    expect(two.body.data["runId"]).not.toBe(one.body.data["runId"]);
  });

  test("004-11: a day later the key starts a new run", async () => {
    await using here = await openListeningServer();
    await using world = new NodeWorld();
    const adminKey = "administrator-of-this-test-0123456789";
    const filling = { workflow: "wf_echo", key: adminKey };
    const { method, url, headers, body } = curl(PRINTED, here, filling);
    const member = await world.open();
    await world.install(member, ECHO.steps, { name: ECHO.name });
    // Behind the real app, a node whose clock is moved by hand; a day passes at once while no node lives.
    const start = async (node: typeof member.node): Promise<Response> => {
      const app = createApp({
        engine: node,
        log: createLog({ level: "error", write: () => undefined }),
        mode: "production",
        adminKeyDigest: digestOf(adminKey),
      });
      const request = new Request(url.replace("wf_echo", "echo"), {
        method,
        headers,
        ...(body === undefined ? {} : { body }),
      });
      return world.clock.run(app.fetch(request));
    };
    const runIdOf = async (answer: Response): Promise<unknown> =>
      ((await answer.json()) as SampleAnswer["body"]).data["runId"];
    const first = await start(member.node);
    await member.stop();
    await world.clock.advance(DAY_MS - 1_000);
    const { node } = await world.open();
    const soon = await start(node);
    await world.clock.advance(1_000);
    const later = await start(node);
    expect([first.status, soon.status, later.status]).toEqual([201, 200, 201]);
    const ids = [await runIdOf(first), await runIdOf(soon), await runIdOf(later)];
    expect(ids[1]).toBe(ids[0]);
    expect(ids[2]).not.toBe(ids[0]);
  });
});

describe("Checking a run", PATIENT, () => {
  test("004-12: curl reads a run in the envelope, with a key that may read runs", async () => {
    await using here = await openListeningServer();
    await here.server.install(ECHO);
    const { body } = await here.send(post(here, "/workflows/wf_echo/run"));
    const run = String(body.data["runId"]);
    const answer = await here.send(curl("004/12-read-run.sh", here, { run }));
    expect([answer.status, answer.body.success, answer.body.data["id"]]).toEqual([200, true, run]);
    const key = await here.server.newKey(["workflows:execute"]);
    const refused = await here.send(curl("004/12-read-run.sh", here, { run, key }));
    expect([refused.status, refused.body.error.code]).toEqual([403, "FORBIDDEN"]);
    expect(refused.body.error.message).toContain("runs:read");
  });

  type WaitForCompletion = (runId: string, maxWait?: number) => Promise<unknown>;

  /** The printed function, in a world where a second is `onWait` and nothing else. */
  async function waiter(
    here: ListeningServer,
    onWait: (go: () => void) => void,
    now: () => number = Date.now,
  ): Promise<WaitForCompletion> {
    const code = `${readSample("004/13-wait-for-completion.js")}\nreturn waitForCompletion;`;
    const names = {
      fetch: here.fetch,
      API_KEY: here.server.key,
      setTimeout: onWait,
      Date: { now },
    };
    return (await evaluate(code, names)) as WaitForCompletion;
  }

  test("004-13: polling returns the output of a run that ends well", async () => {
    const opened = Promise.withResolvers<void>();
    const functions = { work: () => opened.promise.then(() => ({ invoiceId: "inv_123" })) };
    await using here = await openListeningServer({ functions });
    const steps = [{ id: "work", type: "function", function: "work" }];
    const workflow = await here.server.install({ name: "Work", steps });
    const { body } = await here.send(post(here, `/workflows/${workflow}/run`));
    let polls = 0;
    const waitForCompletion = await waiter(here, (go) => {
      polls += 1;
      opened.resolve();
      setImmediate(go);
    });
    const output = await waitForCompletion(String(body.data["runId"]));
    expect(output).toEqual({ invoiceId: "inv_123" });
    expect(polls).toBeGreaterThan(0);
  });

  test("004-13: polling throws the message of a run that fails", async () => {
    const functions = {
      work: () => {
        throw new Error("no such customer");
      },
    };
    await using here = await openListeningServer({ functions });
    const steps = [{ id: "work", type: "function", function: "work" }];
    const workflow = await here.server.install({ name: "Work", steps });
    const { body } = await here.send(post(here, `/workflows/${workflow}/run`));
    const waitForCompletion = await waiter(here, (go) => setImmediate(go));
    const polling = waitForCompletion(String(body.data["runId"]));
    await expect(polling).rejects.toThrow(/no such customer/);
  });

  test("004-13: polling gives up on a run that waits, and so does one on a cancelled run", async () => {
    await using here = await openListeningServer();
    const steps = [{ id: "wait", type: "wait", config: { duration: DAY_MS } }];
    const workflow = await here.server.install({ name: "Wait", steps });
    const { body } = await here.send(post(here, `/workflows/${workflow}/run`));
    const run = String(body.data["runId"]);
    let nowMs = 0;
    const waitForCompletion = await waiter(
      here,
      (go) => {
        nowMs += 20_000;
        setImmediate(go);
      },
      () => nowMs,
    );
    await expect(waitForCompletion(run)).rejects.toThrow("Timeout waiting for workflow");
    await here.send(post(here, `/runs/${run}/cancel`));
    await here.send(get(here, `/runs/${run}?wait=30`));
    await expect(waitForCompletion(run)).rejects.toThrow("Timeout waiting for workflow");
  });

  test("004-14: a run has the printed fields of the printed types, its steps in the definition's order", async () => {
    const printed = readJsonSample("004/14-run-status.json") as {
      readonly data: { readonly input: object };
    };
    const functions = { createInvoice: () => ({ id: "inv_123" }), file: () => "filed" };
    await using here = await openListeningServer({ functions });
    const workflow = await here.server.install({
      name: "Create Invoice",
      output: { invoiceId: "{{steps.create-invoice.output.id}}" },
      steps: [{ id: "create-invoice", type: "function", function: "createInvoice" }],
    });
    const { input } = printed.data;
    const started = await here.send(post(here, `/workflows/${workflow}/run`, { input }));
    await ended(here, started);
    const run = String(started.body.data["runId"]);
    const { body } = await here.send(curl("004/12-read-run.sh", here, { run }));
    const instant = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string;
    const times = { startedAt: instant, completedAt: instant };
    expect(body).toMatchObject({ ...printed, data: { ...printed.data, id: run, ...times } });

    const ids = ["third", "first", "second"];
    const unsorted = await here.server.install({
      name: "Order",
      steps: ids.map((id) => ({ id, type: "function", function: "file" })),
    });
    const other = await ended(here, await here.send(post(here, `/workflows/${unsorted}/run`)));
    expect(other.steps.map(({ id }) => id)).toEqual(ids);
  });

  test("004-14: a run that has not begun or not ended has null in the place of its times", async () => {
    await using here = await openListeningServer();
    const steps = [{ id: "wait", type: "wait", config: { duration: DAY_MS } }];
    const workflow = await here.server.install({ name: "Wait", steps });
    const { body } = await here.send(post(here, `/workflows/${workflow}/run`));
    const run = await here.send(get(here, `/runs/${String(body.data["runId"])}`));
    expect(run.body.data).toMatchObject({ completedAt: null, output: null });
  });
});

describe("Specifying a connection", PATIENT, () => {
  test("004-15: a connection that there is not is 400 with its path", async () => {
    await using here = await openListeningServer();
    await here.server.install(ECHO);
    const printed = fillIn(readSample("004/15-connection.json"), "{ ... }", "{}");
    const { status, body } = await here.send(post(here, "/workflows/wf_echo/run", printed));
    expect([status, body.error.code]).toEqual([400, "VALIDATION_ERROR"]);
    expect(body.error.details).toMatchObject([{ path: ["connectionId"] }]);
    expect(await countRuns(here)).toBe(0);
  });
});

describe("Error handling", PATIENT, () => {
  test("004-16: the answer for an unknown workflow is the printed one", async () => {
    await using here = await openListeningServer();
    const answer = await here.send(curl("004/02-run.sh", here, { workflow: "wf_unknown" }));
    expect(answer.status).toBe(404);
    expect(answer.body).toMatchObject(readJsonSample("004/16-not-found.json") as object);
  });

  test("004-17: the answer for a draft is the printed one", async () => {
    await using here = await openListeningServer();
    await here.send(post(here, "/workflows", ECHO));
    const answer = await here.send(curl("004/02-run.sh", here, { workflow: "wf_echo" }));
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject(readJsonSample("004/17-not-active.json") as object);
  });
});

describe("Use cases", PATIENT, () => {
  /** What the samples call it, and do not print. */
  const triggerer =
    (here: ListeningServer, answers: SampleAnswer[] = []) =>
    async (workflow: string, body: object): Promise<unknown> => {
      const answer = await here.send(post(here, `/workflows/${workflow}/run`, body));
      answers.push(answer);
      return answer.body.data;
    };

  test("004-20: a workflow is run by an id that its author chose, with the printed input", async () => {
    await using here = await openListeningServer();
    await here.server.install({ ...ECHO, id: "wf_report_generator" });
    const answers: SampleAnswer[] = [];
    const triggerWorkflow = triggerer(here, answers);
    await evaluate(readSample("004/20-generate-report.js"), { triggerWorkflow });
    const [answer] = answers;
    if (answer === undefined) throw new Error("it was not called");
    expect(answer.status).toBe(201);
    expect((await ended(here, answer)).input).toEqual({
      reportType: "monthly",
      startDate: "2024-01-01",
      endDate: "2024-01-31",
      format: "pdf",
    });
  });

  test("004-21: curl without a content type runs a webhook workflow with what a webhook would bring", async () => {
    await using here = await openListeningServer();
    const workflow = await here.server.install({
      ...ECHO,
      trigger: { type: "webhook", provider: "stripe", events: ["invoice.paid"] },
      steps: [
        {
          id: "paid",
          type: "transform",
          config: {
            mapping: { event: "{{input.type}}", paid: "{{input.data.object.amount_paid}}" },
          },
        },
      ],
    });
    const request = curl("004/21-simulate-webhook.sh", here, { workflow });
    expect(request.headers["content-type"]).toBe("application/x-www-form-urlencoded");
    const answer = await here.send(request);
    expect(answer.status).toBe(201);
    expect(await ended(here, answer)).toMatchObject({
      status: "completed",
      output: { event: "invoice.paid", paid: 9900 },
    });
  });

  test("004-22: a batch starts a run for each, and the same batch on the same day none", async () => {
    await using here = await openListeningServer();
    await here.server.install({ ...ECHO, id: "wf_customer_sync" });
    const customers = Array.from({ length: 30 }, (_, n) => ({ id: `cus_${n}` }));
    const batch = async (today: string): Promise<readonly SampleAnswer[]> => {
      const answers: SampleAnswer[] = [];
      const console = recordConsole();
      await evaluate(readSample("004/22-batch.js"), {
        getCustomersToProcess: async () => customers,
        triggerWorkflow: triggerer(here, answers),
        today,
        console,
      });
      expect(console.lines).toEqual([["Started 30 sync workflows"]]);
      return answers;
    };
    const idsOf = (answers: readonly SampleAnswer[]): ReadonlySet<unknown> =>
      new Set(answers.map(({ body }) => body.data["runId"]));
    const first = await batch("2024-01-15");
    expect(idsOf(first).size).toBe(30);
    const again = await batch("2024-01-15");
    expect(idsOf(again)).toEqual(idsOf(first));
    expect(await countRuns(here)).toBe(30);
    await batch("2024-01-16");
    expect(await countRuns(here)).toBe(60);
  });

  test("004-22: the runs of a batch are at work at the same time", async () => {
    const meet = createMeeting(30);
    await using here = await openListeningServer({ functions: { sync: meet } });
    await here.server.install({
      ...ECHO,
      id: "wf_customer_sync",
      steps: [{ id: "sync", type: "function", function: "sync" }],
    });
    const answers: SampleAnswer[] = [];
    await evaluate(readSample("004/22-batch.js"), {
      getCustomersToProcess: async () => Array.from({ length: 30 }, (_, id) => ({ id })),
      triggerWorkflow: triggerer(here, answers),
      today: "2024-01-15",
      console: recordConsole(),
    });
    const runs = await Promise.all(answers.map((answer) => ended(here, answer)));
    expect(new Set(runs.map(({ status }) => status))).toEqual(new Set(["completed"]));
  });

  test("004-23: the line of a crontab starts a run with empty input", async () => {
    await using here = await openListeningServer();
    await here.server.install({ ...ECHO, id: "wf_daily_report" });
    const request = curl("004/23-crontab.sh", here);
    expect(request.headers["content-type"]).toBe("application/x-www-form-urlencoded");
    const answer = await here.send(request);
    expect(answer.status).toBe(201);
    expect(await ended(here, answer)).toMatchObject({ status: "completed", input: {} });
  });
});

describe("Troubleshooting", PATIENT, () => {
  test("a key that may not execute is refused, and told which scope it lacks", async () => {
    await using here = await openListeningServer();
    const workflow = await here.server.install(ECHO);
    const scopes = ["workflows:read", "workflows:write", "runs:read"];
    const key = await here.server.newKey(scopes);
    const { status, body } = await here.send(curl("004/02-run.sh", here, { workflow, key }));
    expect([status, body.error.code]).toEqual([403, "FORBIDDEN"]);
    expect(body.error.message).toContain("workflows:execute");
    expect(await countRuns(here)).toBe(0);
  });

  test("a run that nobody works on stays pending, and the health page says why", async () => {
    const released = Promise.withResolvers<void>();
    await using here = await openListeningServer({
      functions: { hang: () => released.promise, echo: () => "done" },
    });
    const hanging = await here.server.install({
      name: "Hang",
      steps: [{ id: "hang", type: "function", function: "hang", timeoutMs: 1 }],
    });
    const workflow = await here.server.install(ECHO);
    // Bodies that outlive their time; with a hundred of them a server takes no more runs.
    const start = (): Promise<SampleAnswer> => here.send(post(here, `/workflows/${hanging}/run`));
    const starts = Array.from({ length: 100 * here.nodeCount }, start);
    for (const started of starts) await ended(here, await started);
    // Of several nodes one may have got more of them than another.
    while (!(await areFull(here))) await ended(here, await start());
    const answer = await here.send(post(here, `/workflows/${workflow}/run`));
    const run = `/runs/${String(answer.body.data["runId"])}`;
    expect((await here.send(get(here, `${run}?wait=0`))).body.data["status"]).toBe("pending");
    const health = await here.send(get(here, "/health"));
    expect(health.body.data["reason"]).toMatch(/takes no more runs/);
    released.resolve();
    expect(await ended(here, answer)).toMatchObject({ status: "completed" });
  });
});

/** Whether all nodes say that they take no more runs. */
async function areFull(here: ListeningServer): Promise<boolean> {
  for (let asked = 0; asked < here.nodeCount; asked++) {
    const { body } = await here.send(get(here, "/health"));
    if (!/takes no more runs/.test(String(body.data["reason"]))) return false;
  }
  return true;
}

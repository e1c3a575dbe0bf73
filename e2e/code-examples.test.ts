// The examples that are programs, run as their reader would: on an engine of their own, and as the worker of a server.
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openListeningServer } from "../conformance/open-listening-server.ts";
import { collect } from "../tools/run.ts";
import { ROOT } from "../tools/workspace.ts";

const LIMIT_MS = 60_000;

/** What an example prints, and with which arguments it is soon done. */
interface Printed {
  readonly name: string;
  readonly args: readonly string[];
  readonly lines: readonly string[];
}

const EXAMPLES: readonly Printed[] = [
  {
    name: "order-with-compensation",
    args: [],
    lines: [
      "A-1 is on its way: TRK-A-1",
      "A-2 was taken back: The carrier does not serve XX",
      "  reserve: completed, res-A-2",
      "  charge: completed, 2 tries",
      "  ship: failed",
      "  rollback/refund: completed, refunded 9900 cents of pay-…",
      "  rollback/release: completed, released res-A-2",
    ],
  },
  {
    name: "nightly-batch",
    args: ["120"],
    lines: [
      "started: { created: 120 }",
      "once more: { existing: 120 }",
      ...Array.from({ length: 10 }, (_, tenth) => `${(tenth + 1) * 12} of 120`),
      "settled 119 orders, paid out 2852.43 euros",
      "failed 1: Order 7 has no price",
    ],
  },
  {
    name: "drip-campaign",
    // Of a day: a tenth of a second.
    args: ["0.000001"],
    lines: [
      'list@example.com: {"sent":["Welcome"],"unsubscribed":"too many mails"}',
      'ada@example.com: {"sent":["Welcome","Your first week","Tips from others","Anything we can do?"],"unsubscribed":null}',
    ],
  },
  {
    name: "sign-off",
    args: [],
    lines: [
      '{"document":"report","outcome":"published","by":"ada@example.com"}',
      '{"document":"budget","outcome":"declined","by":"ada@example.com"}',
      '{"document":"minutes","outcome":"expired","by":null}',
    ],
  },
];

async function run({ name, args }: Printed, env: NodeJS.ProcessEnv): Promise<readonly string[]> {
  const { MILLRACE_URL: _, MILLRACE_API_KEY: __, ...rest } = process.env;
  const printed = await collect({
    command: process.execPath,
    args: ["--conditions=source", join(ROOT, "examples", name, "main.ts"), ...args],
    cwd: ROOT,
    env: { ...rest, ...env },
    limitMs: LIMIT_MS,
  });
  // It follows from the run's id.
  return printed
    .trimEnd()
    .replaceAll(/pay-[0-9a-f]{8}/g, "pay-…")
    .split("\n");
}

describe.for(EXAMPLES.map((example) => [example.name, example] as const))(
  "the example %s",
  { timeout: LIMIT_MS },
  ([, example]) => {
    test("does what it says on an engine in its own process", async () => {
      expect(await run(example, {})).toEqual(example.lines);
    });

    test("does the same as the worker of a server", async () => {
      await using here = await openListeningServer();
      const env = { MILLRACE_URL: here.url, MILLRACE_API_KEY: here.server.key };
      expect(await run(example, env)).toEqual(example.lines);
      // It was there, and not in a folder of its own.
      const headers = { "x-api-key": here.server.key };
      const listed = await fetch(`${here.url}/api/v1/runs?limit=1`, { headers });
      expect(await listed.json()).toMatchObject({ data: [{}] });
    });
  },
);

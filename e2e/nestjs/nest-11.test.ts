// The package under the major of Nest before the newest, in a process of its own.
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { collect } from "../../tools/run.ts";
import { ADAPTERS } from "./open-app.ts";

const HOOKS = new URL("../nest-11/use-nest-11.ts", import.meta.url).href;
const APP = fileURLToPath(new URL("../nest-11/app.ts", import.meta.url));

describe("under Nest 11", () => {
  test.each(ADAPTERS)("an application on %s works as under the newest", async (adapter) => {
    const printed = await collect({
      command: process.execPath,
      args: ["--conditions=source", "--import", HOOKS, APP, adapter],
      cwd: fileURLToPath(new URL("../nest-11", import.meta.url)),
      env: process.env,
      limitMs: 60_000,
    });
    const { nest, ...seen } = JSON.parse(printed) as { readonly nest: string };
    expect(nest).toMatch(/^11\./);
    expect(seen).toEqual({
      order: { price: 40, userId: "ada" },
      mine: { price: 5, userId: "grace" },
      nobodys: [400, "userId is required"],
      signed: 201,
      forged: 401,
      outcome: "created",
      closedEarly: ["engine.stopping", "start", "stop"],
      health: { millrace: { status: "up" } },
    });
  });
});

// A module under test on an engine whose time the test moves.
import {
  MillraceModule,
  RunService,
  Workflow,
  Workspace,
  type ConnectableEngine,
  type WorkflowContext,
} from "@millrace/nestjs";
import { overrideMillrace } from "@millrace/nestjs/testing";
import { Injectable } from "@nestjs/common";
import { Test } from "@nestjs/testing";
import { createTestEngine } from "millrace/testing";
import { expect, test } from "vitest";

@Injectable()
class Outbox {
  readonly mails: string[] = [];
}

@Workflow()
class Renewal {
  readonly #outbox: Outbox;

  constructor(outbox: Outbox) {
    this.#outbox = outbox;
  }

  async run(ctx: WorkflowContext): Promise<string> {
    await ctx.sleep("a year and a month", "400 days");
    await ctx.run("mail", () => {
      this.#outbox.mails.push(`to ${ctx.userId}, ${ctx.now().toISOString().slice(0, 4)}`);
    });
    return "renewed";
  }
}

@Workspace()
class Contracts {}

test("a test that has no engine yet is told so at once", () => {
  const engine = undefined as unknown as ConnectableEngine;
  const builder = Test.createTestingModule({ imports: [MillraceModule.forRoot({ url: "x" })] });
  expect(() => overrideMillrace(builder, { engine })).toThrow(
    "`engine` must be an engine that was started, such as createTestEngine() gives; received undefined",
  );
});

test("a workflow class that sleeps for 400 days ends at once on the kit's engine", async () => {
  await using engine = await createTestEngine({ startAt: "2026-01-01T00:00:00Z" });
  const builder = Test.createTestingModule({
    imports: [MillraceModule.forRoot({ url: "http://127.0.0.1:1" })],
    providers: [Renewal, Contracts, Outbox],
  });
  const module = await overrideMillrace(builder, { engine }).compile();
  await module.init();
  const { runId } = await module.get(RunService).run(Renewal, Contracts, {}, "ada");
  expect(await engine.run(runId).result()).toBe("renewed");
  expect(module.get(Outbox).mails).toEqual(["to ada, 2027"]);
  await module.close();
});

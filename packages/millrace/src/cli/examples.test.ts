import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { openTestServer } from "../../../../tools/testkit/open-test-server.ts";
import { plantFolder } from "../../../../tools/testkit/planted-folder.ts";
import { readConnectorSettings } from "../connectors/connector-settings.ts";
import { openConnectors } from "../connectors/open-connectors.ts";
import { installExample, readExamples } from "./examples.ts";
import { loadFunctions } from "./load-functions.ts";
import { runExample } from "./run-example.ts";

const EXAMPLES = await readExamples(
  fileURLToPath(new URL("../../../../examples", import.meta.url)),
);

describe("the example", () => {
  test.for(EXAMPLES.map((example) => [example.name, example] as const))(
    "%s completes on its sample input, and reads as it was written",
    async ([, example]) => {
      const functions = await loadFunctions(example.modules);
      await using folder = await plantFolder({});
      const settings = readConnectorSettings(() => null);
      const { path: data } = folder;
      // As a development server has them: the sandbox serves.
      const connectors = await openConnectors({ settings, mode: "development", data });
      await using cleanUp = new AsyncDisposableStack();
      cleanUp.defer(() => connectors.close());
      const { actions } = connectors;
      await using server = await openTestServer({ functions, actions });
      expect(await installExample(server.engine, example)).toEqual([]);
      // A second start finds every workflow there, unchanged.
      expect(await installExample(server.engine, example)).toEqual([]);
      const shown = await runExample(server.engine, [example]);
      expect(shown?.run).toMatchObject({ status: "completed", error: null });
    },
  );

  test("order shows a skipped step, a try that failed, a wait and a run within the run", async () => {
    const order = EXAMPLES.find(({ name }) => name === "order");
    if (order === undefined) throw new Error("there is no example named order");
    await using server = await openTestServer({ functions: await loadFunctions(order.modules) });
    await installExample(server.engine, order);
    const { run } = (await runExample(server.engine, [order])) ?? {};
    const statusOf = new Map(run?.steps.map((step) => [step.id, step.status]));
    expect(statusOf.get("cooling-off")).toBe("skipped");
    expect(run?.steps.find(({ id }) => id === "charge-card")?.attempts).toHaveLength(2);
    expect(run?.output).toEqual({
      orderId: "A-1001",
      total: 88.33,
      payment: expect.stringMatching(/^pay-[0-9a-f]{8}$/) as string,
      parcel: "TRK-A-1001-1830",
    });
  });
});

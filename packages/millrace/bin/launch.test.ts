import { describe, expect, test } from "vitest";
import { planLaunch } from "./launch.js";

const NO_CODE = "--disallow-code-generation-from-strings";
const here = { version: "24.21.0", execArgv: [], execPath: "/node24", hasSources: false };
const findNode = (): string => "/other";

describe("planLaunch", () => {
  test("goes on where every flag is there", () => {
    const plan = planLaunch({ ...here, execArgv: ["--cpu-prof", NO_CODE], findNode });
    expect(plan).toEqual({ kind: "go-on" });
  });

  test("runs the same Node again for a missing flag", () => {
    const execArgv = ["--cpu-prof", NO_CODE];
    const plan = planLaunch({ ...here, execArgv, hasSources: true, findNode });
    const flags = ["--cpu-prof", NO_CODE, "--conditions=source"];
    expect(plan).toEqual({ kind: "re-run", node: "/node24", flags });
  });

  test("takes the other Node where this one is too old", () => {
    const plan = planLaunch({ ...here, version: "22.15.0", findNode });
    expect(plan).toEqual({ kind: "re-run", node: "/other", flags: [NO_CODE] });
  });

  test("refuses an old Node that was already a second try, instead of trying for ever", () => {
    const plan = planLaunch({ ...here, version: "20.20.2", execArgv: [NO_CODE], findNode });
    expect(plan.kind).toBe("refused");
  });
});

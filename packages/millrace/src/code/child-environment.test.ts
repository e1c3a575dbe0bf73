import { expect, test } from "vitest";
import { toChildEnvironment } from "./child-environment.ts";

test("a process with users' code sees what programs need and what is named, and no more", () => {
  const env = {
    PATH: "/bin",
    LC_ALL: "C",
    NODE_OPTIONS: "--inspect",
    MILLRACE_STRIPE_KEY: "secret",
    DATABASE_URL: "postgres://",
    OTHER: "x",
    ABSENT: undefined,
  };
  expect(toChildEnvironment(env, ["DATABASE_URL", "ABSENT"])).toEqual({
    PATH: "/bin",
    LC_ALL: "C",
    DATABASE_URL: "postgres://",
  });
});

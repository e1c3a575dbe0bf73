import { POSTGRES_PROFILES } from "@millrace/engine/postgres";
import { describe, expect, test } from "vitest";
import { plantFolder } from "../../../../tools/testkit/planted-folder.ts";
import { checkDatabaseUrl } from "./database-url.ts";
import { readDatabaseSettings } from "./open-store.ts";
import { readSettings } from "./settings.ts";

const SECRET = "a-secret-that-nobody-may-see";

const read = (
  env: Readonly<Record<string, string>>,
  cwd = "/nowhere",
  flags: object = {},
): ReturnType<typeof readDatabaseSettings> =>
  readDatabaseSettings(readSettings({ ...flags }, { env, cwd }));

describe("the URL of a database", () => {
  test.each([
    "postgres://ada@db.example.com/shop",
    "postgresql://ada:p%40ss@[::1]:6432/shop?sslmode=verify-full",
    "postgres://localhost",
  ])("may be %s", (url) => {
    expect(checkDatabaseUrl(url)).toBeNull();
  });

  test.each([
    ["mysql://ada@host/shop", "must be an address like postgres://"],
    ["host=db dbname=shop", "must be an address like postgres://"],
    ["postgres://ada:a/b@host/shop", "is written as %2F"],
    ["postgres://host:port/shop", "must be an address like"],
    ["postgres://ada:100%@host/shop", "a % itself is written as %25"],
  ])("may not be %s", (url, problem) => {
    expect(checkDatabaseUrl(url)).toContain(problem);
  });

  test("is never shown when it is wrong", () => {
    const url = `mysql://ada:${SECRET}@host/shop`;
    const attempt = (): unknown => read({ MILLRACE_DATABASE_URL: url });
    expect(attempt).toThrow("MILLRACE_DATABASE_URL must be an address like");
    expect(attempt).not.toThrow(SECRET);
  });

  test("comes from the flag, the environment or the file, there without a password", async () => {
    const [file, env, flag] = ["file", "env", "flag"].map((host) => `postgres://ada@${host}/shop`);
    await using folder = await plantFolder({
      "millrace.config.json": JSON.stringify({ database: file }),
    });
    expect(read({}, folder.path)?.url).toBe(file);
    const given = { MILLRACE_DATABASE_URL: env ?? "" };
    expect(read(given, folder.path)?.url).toBe(env);
    expect(read(given, folder.path, { database: flag })?.url).toBe(flag);
    for (const secret of [`postgres://ada:${SECRET}@host/a`, `postgres://h/a?password=${SECRET}`]) {
      await using other = await plantFolder({
        "millrace.config.json": JSON.stringify({ database: secret }),
      });
      const attempt = (): unknown => read({}, other.path);
      expect(attempt).toThrow("holds a password. Set it by MILLRACE_DATABASE_URL instead.");
      expect(attempt).not.toThrow(SECRET);
    }
  });

  test("of a copy stands for nothing alone", () => {
    const copy = "postgres://ada@copy/shop";
    expect(() => read({ MILLRACE_DATABASE_READ_URL: copy })).toThrow("Set both");
    const env = { MILLRACE_DATABASE_URL: "postgres://ada@host/shop" };
    expect(read({ ...env, MILLRACE_DATABASE_READ_URL: copy })?.readUrl).toBe(copy);
  });

  test.each(POSTGRES_PROFILES)("may have the profile %s", (profile) => {
    const env = { MILLRACE_DATABASE_URL: "postgres://ada@host/shop" };
    expect(read(env)).not.toHaveProperty("profile");
    expect(read({ ...env, MILLRACE_DATABASE_PROFILE: profile })?.profile).toBe(profile);
  });

  test("has no profile that nobody knows", () => {
    expect(() => read({ MILLRACE_DATABASE_PROFILE: "oracle" })).toThrow(
      `MILLRACE_DATABASE_PROFILE must be one of ${POSTGRES_PROFILES.join(", ")}`,
    );
  });
});

import { describe, expect, test } from "vitest";
import { aFault } from "../../suite/index.ts";
import { POSTGRES_PROFILES } from "./profile.ts";
import { decideProfile, recognize } from "./recognize.ts";

/** What `version()` says, as these products print it. */
const SAID = {
  postgres:
    "PostgreSQL 15.18 (Debian 15.18-0+deb12u1) on x86_64-pc-linux-gnu, compiled by gcc (Debian 12.2.0-14) 12.2.0, 64-bit",
  beta: "PostgreSQL 19beta1 on x86_64-pc-linux-musl, compiled by gcc (Alpine 14.2.0) 14.2.0, 64-bit",
  old: "PostgreSQL 13.12 on aarch64-unknown-linux-gnu, compiled by gcc, 64-bit",
  yugabyte:
    "PostgreSQL 15.2-YB-2.25.0.0-b0 on x86_64-pc-linux-gnu, compiled by clang version 17.0.6, 64-bit",
  oldYugabyte:
    "PostgreSQL 11.2-YB-2.18.3.0-b0 on x86_64-pc-linux-gnu, compiled by clang version 15.0.3, 64-bit",
  cockroach:
    "CockroachDB CCL v23.2.1 (x86_64-pc-linux-gnu, built 2024/02/14 16:11:05, go1.21.5 X:nocoverageredesign)",
  oldCockroach:
    "CockroachDB CCL v23.1.11 (x86_64-pc-linux-gnu, built 2023/09/27 01:53:43, go1.19.10)",
  newCockroach: "CockroachDB CCL v25.1.0 (aarch64-unknown-linux-gnu, built 2025/02/12, go1.22.8)",
} as const;

describe("recognize", () => {
  test.each([
    ["postgres", SAID.postgres, null, "PostgreSQL 15.18"],
    ["postgres", SAID.beta, null, "PostgreSQL 19beta1"],
    ["citus", SAID.postgres, "13.0-1", "Citus 13.0-1 on PostgreSQL 15.18"],
    ["yugabyte", SAID.yugabyte, null, "YugabyteDB 2.25.0.0 (PostgreSQL 15.2)"],
    ["cockroach", SAID.cockroach, null, "CockroachDB 23.2.1"],
    ["cockroach", SAID.newCockroach, null, "CockroachDB 25.1.0"],
  ])("knows %s by what it says: %s", (kind, text, citus, shown) => {
    expect(recognize({ text, citus })).toEqual({ kind, text: shown, tooOld: null });
  });

  test.each([
    [SAID.old, "PostgreSQL 14 or later"],
    [SAID.oldYugabyte, "PostgreSQL 14 or later"],
    [SAID.oldCockroach, "CockroachDB 23.2 or later"],
  ])("says what is too old: %s", (text, sentence) => {
    expect(recognize({ text, citus: null }).tooOld).toContain(sentence);
  });

  test("takes what it cannot read for PostgreSQL that is too old", () => {
    expect(recognize({ text: "Something else", citus: null })).toMatchObject({
      kind: "postgres",
      tooOld: "Millrace needs PostgreSQL 14 or later.",
    });
  });
});

describe("decideProfile", () => {
  const servers = [SAID.postgres, SAID.yugabyte, SAID.cockroach].map((text) =>
    recognize({ text, citus: null }),
  );
  const [plain, yugabyte, cockroach] = servers;
  const citus = recognize({ text: SAID.postgres, citus: "13.0-1" });

  test.each([...servers, citus])("takes $kind for what it is where nothing is said", (server) => {
    expect(decideProfile(server, null)).toBe(server.kind);
    expect(decideProfile(server, server.kind)).toBe(server.kind);
  });

  test.each(POSTGRES_PROFILES)(
    "lets %s be tried on PostgreSQL, with and without Citus",
    (stated) => {
      for (const server of [plain, citus])
        expect(server && decideProfile(server, stated)).toBe(stated);
    },
  );

  test.each([
    { server: yugabyte, stated: "postgres" },
    { server: yugabyte, stated: "citus" },
    { server: yugabyte, stated: "cockroach" },
    { server: cockroach, stated: "postgres" },
    { server: cockroach, stated: "citus" },
    { server: cockroach, stated: "yugabyte" },
  ] as const)(
    "refuses on $server.text the profile $stated, which cannot work",
    ({ server, stated }) => {
      const sentence = `The profile is ${stated}, and the server is ${server?.text}`;
      expect(() => server && decideProfile(server, stated)).toThrow(
        aFault("storage.unusable", sentence),
      );
    },
  );
});

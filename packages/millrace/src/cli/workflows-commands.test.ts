import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openTestServer, type TestServer } from "../../../../tools/testkit/open-test-server.ts";
import { plantFolder, type PlantedFolder } from "../../../../tools/testkit/planted-folder.ts";
import { createTestIo } from "../../../../tools/testkit/test-io.ts";
import { runCommandLine } from "./run-command-line.ts";
import { slugOf } from "@millrace/protocol";

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function speak(
  { app, key }: TestServer,
  cwd: string,
  args: readonly string[],
): Promise<Ended> {
  const io = createTestIo({ app, cwd, env: { MILLRACE_KEY: key } });
  const code = await runCommandLine(["workflows", ...args], io);
  return { code, out: io.outText(), err: io.errText() };
}

const toText = (definition: object): string => JSON.stringify(definition, null, 2);

const aWorkflow = (
  id: string,
  b: number,
  more: object = {},
): { readonly id: string; readonly name: string; readonly steps: unknown } => ({
  id,
  name: id,
  steps: [{ id: "a", type: "transform", config: { mapping: { b } } }],
  ...more,
});

const plantTwo = (): Promise<PlantedFolder> =>
  plantFolder({
    "flows/one.json": toText(aWorkflow("wf_one", 1)),
    "flows/two.json": toText(aWorkflow("wf_two", 2)),
    "flows/input.json": `{ "n": 1 }`,
  });

describe("millrace workflows apply", { timeout: 30_000 }, () => {
  test("creates what is not there, updates what differs, and leaves the rest", async () => {
    await using server = await openTestServer();
    await using folder = await plantTwo();
    const first = await speak(server, folder.path, ["apply", "flows", "--activate"]);
    expect(first).toEqual({
      code: 0,
      out: "created    wf_one version 1  flows/one.json\ncreated    wf_two version 1  flows/two.json\n",
      err: "",
    });
    await writeFile(join(folder.path, "flows/two.json"), toText(aWorkflow("wf_two", 3)));
    const second = await speak(server, folder.path, ["apply", "flows"]);
    expect(second.out).toBe(
      "unchanged  wf_one version 1  flows/one.json\nupdated    wf_two version 2  flows/two.json\n",
    );
    const { body } = await server.send("GET", "/api/v1/workflows/wf_two");
    expect(body.data).toMatchObject({ status: "active", version: 2 });
  });

  test("writes nothing for a file that is as stored", async () => {
    await using server = await openTestServer();
    await using folder = await plantTwo();
    await speak(server, folder.path, ["apply", "flows"]);
    const before = await server.send("GET", "/api/v1/workflows/wf_one");
    await speak(server, folder.path, ["apply", "flows"]);
    const after = await server.send("GET", "/api/v1/workflows/wf_one");
    expect(after.text).toBe(before.text);
  });

  test("applies nothing when one file has a mistake, and tells each with file, place and hint", async () => {
    await using server = await openTestServer();
    await using folder = await plantFolder({
      "a.json": toText(aWorkflow("wf_a", 1)),
      "b.json": toText({ id: "wf_b", name: "B", steps: [{ id: "x", type: "trasnform" }] }),
      "c.json": `{ "name": `,
    });
    const { code, out, err } = await speak(server, folder.path, [
      "apply",
      "a.json",
      "b.json",
      "c.json",
    ]);
    expect([code, out]).toEqual([1, ""]);
    expect(err).toMatch(/^b\.json: steps\[0\]\.type: .+\(did you mean "transform"\?\)$/m);
    expect(err).toMatch(/^c\.json: is not JSON/m);
    expect(err).toMatch(/^Nothing was applied: mistakes in 2 of 3 files\.$/m);
    expect((await server.send("GET", "/api/v1/workflows/wf_a")).status).toBe(404);
  });

  test("finds a workflow without an id by the slug of its name", async () => {
    await using server = await openTestServer();
    const { id: _, ...nameless } = { ...aWorkflow("wf_x", 1), id: undefined };
    await using folder = await plantFolder({
      "w.json": toText({ ...nameless, name: "Très bien" }),
    });
    const first = await speak(server, folder.path, ["apply", "w.json"]);
    const second = await speak(server, folder.path, ["apply", "w.json"]);
    expect(first.out).toMatch(/^created {4}wf_\S+ version 1 {2}w\.json \(draft: add --activate/);
    expect(second.out).toMatch(/^unchanged/);
    const { items } = await server.send("GET", "/api/v1/workflows");
    expect(items).toHaveLength(1);
  });

  test("makes slugs as the engine does", async () => {
    await using server = await openTestServer();
    for (const name of ["Process Order", " Ünïcode  & more ", "日本", "a".repeat(90), "--x--"]) {
      const { steps } = aWorkflow("wf_x", 1);
      const { body } = await server.send("POST", "/api/v1/workflows", { body: { name, steps } });
      expect(body.data).toMatchObject({ slug: slugOf(name) });
    }
  });

  test("takes a file that was printed by get", async () => {
    await using server = await openTestServer();
    await using folder = await plantTwo();
    await speak(server, folder.path, ["apply", "flows", "--activate"]);
    const { out } = await speak(server, folder.path, ["get", "wf_one"]);
    await writeFile(join(folder.path, "got.json"), out);
    expect((await speak(server, folder.path, ["apply", "got.json"])).out).toMatch(/^unchanged/);
    await using other = await openTestServer();
    expect((await speak(other, folder.path, ["apply", "got.json"])).out).toMatch(/^created/);
  });

  test("refuses two files for one workflow, and folders without any", async () => {
    await using server = await openTestServer();
    await using folder = await plantFolder({
      "a.json": toText(aWorkflow("wf_a", 1)),
      "b.json": toText(aWorkflow("wf_a", 2)),
      "none/input.json": "{}",
    });
    const twice = await speak(server, folder.path, ["apply", "a.json", "b.json"]);
    expect([twice.code, twice.err]).toEqual([
      1,
      "b.json: id: is the same workflow as a.json\nNothing was applied: mistakes in 1 of 2 files.\n",
    ]);
    const empty = await speak(server, folder.path, ["apply", "none"]);
    expect([empty.code, empty.err]).toEqual([
      2,
      'none holds no workflow: no .json file with "steps" in it.\n',
    ]);
    const missing = await speak(server, folder.path, ["apply", "gone.json"]);
    expect([missing.code, missing.err]).toEqual([2, "There is no file gone.json.\n"]);
  });

  test("says what it did in JSON", async () => {
    await using server = await openTestServer();
    await using folder = await plantTwo();
    const { out } = await speak(server, folder.path, ["apply", "flows/one.json", "--json"]);
    expect(JSON.parse(out)).toMatchObject({
      files: [{ file: "flows/one.json", mistakes: [] }],
      applied: [{ id: "wf_one", outcome: "created", version: 1, status: "draft" }],
    });
  });
});

describe("millrace workflows validate", { timeout: 30_000 }, () => {
  test("exits 0 without a mistake and 1 with one, and stores nothing", async () => {
    await using server = await openTestServer();
    await using folder = await plantTwo();
    expect(await speak(server, folder.path, ["validate", "flows"])).toEqual({
      code: 0,
      out: "2 files without a mistake.\n",
      err: "",
    });
    await writeFile(join(folder.path, "flows/two.json"), `{ "id": "wf_two", "steps": [] }`);
    const { code, err } = await speak(server, folder.path, ["validate", "flows"]);
    expect(code).toBe(1);
    expect(err).toMatch(/^flows\/two\.json: name: /m);
    expect((await server.send("GET", "/api/v1/workflows")).items).toEqual([]);
  });
});

describe("millrace workflows diff", { timeout: 30_000 }, () => {
  test("shows what a file would change, by paths that name steps", async () => {
    await using server = await openTestServer();
    await using folder = await plantTwo();
    await speak(server, folder.path, ["apply", "flows"]);
    const same = await speak(server, folder.path, ["diff", "flows/one.json"]);
    expect([same.code, same.out]).toEqual([0, "flows/one.json is what wf_one version 1 is.\n"]);
    const steps = [
      { id: "first", type: "wait", config: { duration: 1 } },
      { id: "a", type: "transform", config: { mapping: { b: 9 } } },
    ];
    await writeFile(join(folder.path, "flows/one.json"), toText(aWorkflow("wf_one", 1, { steps })));
    const { code, out } = await speak(server, folder.path, ["diff", "flows/one.json"]);
    expect(code).toBe(0);
    expect(out).toBe(
      [
        "wf_one version 1 → flows/one.json",
        "~ steps[a].config.mapping.b",
        "    - 1",
        "    + 9",
        "+ steps[first]",
        `    + {"id":"first","type":"wait","config":{"duration":1}}`,
        "",
      ].join("\n"),
    );
    const args = ["diff", "flows/one.json", "--exit-code"];
    expect((await speak(server, folder.path, args)).code).toBe(1);
    // Nothing was stored.
    expect(await readFile(join(folder.path, "flows/two.json"), "utf8")).toContain("wf_two");
    expect((await server.send("GET", "/api/v1/workflows/wf_one")).body.data).toMatchObject({
      version: 1,
    });
  });

  test("says that applying creates what is not there", async () => {
    await using server = await openTestServer();
    await using folder = await plantTwo();
    const { out } = await speak(server, folder.path, ["diff", "flows/one.json"]);
    expect(out).toBe("The server has no workflow wf_one: applying flows/one.json creates it.\n");
  });
});

describe("millrace workflows", { timeout: 30_000 }, () => {
  test("list filters by status, and versions lists what it was", async () => {
    await using server = await openTestServer();
    await using folder = await plantTwo();
    await speak(server, folder.path, ["apply", "flows"]);
    await speak(server, folder.path, ["activate", "wf_one"]);
    const active = await speak(server, folder.path, ["list", "--status", "active"]);
    expect(active.out).toMatch(/^wf_one +wf-one +active +1 +\d+ s ago$/m);
    expect(active.out).not.toContain("wf_two");
    const found = await speak(server, folder.path, ["versions", "wf_one", "--json"]);
    expect(JSON.parse(found.out)).toMatchObject({ versions: [{ version: 1 }] });
  });

  test("activate, pause, resume and archive move it", async () => {
    await using server = await openTestServer();
    await using folder = await plantTwo();
    await speak(server, folder.path, ["apply", "flows"]);
    const statuses: string[] = [];
    for (const verb of ["activate", "pause", "resume", "archive"]) {
      const { code, out } = await speak(server, folder.path, [verb, "wf_one"]);
      expect(code).toBe(0);
      const { body } = await server.send("GET", "/api/v1/workflows/wf_one");
      statuses.push(`${out.trim()}: ${body.data.status}`);
    }
    expect(statuses).toEqual([
      "wf_one activated: active",
      "wf_one paused: paused",
      "wf_one resumed: active",
      "wf_one archived: archived",
    ]);
  });
});

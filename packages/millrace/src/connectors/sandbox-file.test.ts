import { createSandbox, type SandboxRecord } from "@millrace/connectors";
import { DEFAULT_TENANT } from "@millrace/protocol";
import { appendFile, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { anActionContext } from "../../../../tools/testkit/an-action-context.ts";
import { plantFolder, type PlantedFolder } from "../../../../tools/testkit/planted-folder.ts";
import { collect } from "../../../../tools/run.ts";
import { openSandboxFile, type SandboxFile } from "./sandbox-file.ts";

const fileIn = (folder: PlantedFolder): string => join(folder.path, "sandbox.jsonl");
const openIn = (folder: PlantedFolder, rewriteBytes?: number): Promise<SandboxFile> =>
  openSandboxFile({
    path: fileIn(folder),
    ...(rewriteBytes === undefined ? {} : { rewriteBytes }),
  });

const aRecord = (id: string, text = ""): SandboxRecord => ({
  tenant: "default",
  kind: "outbox",
  id,
  value: { id, text },
});
const idsOf = (file: SandboxFile): unknown[] =>
  file.list("default", "outbox", { before: null, limit: 1_000 }).map((it): unknown => it["id"]);

describe("the sandbox's file", () => {
  test("has everything again after it is opened anew", async () => {
    await using folder = await plantFolder({});
    const first = await openIn(folder);
    await first.append([aRecord("a"), aRecord("b")]);
    await first.append([aRecord("a", "new")]);
    await first.append([{ ...aRecord("x"), tenant: "other" }]);
    await first.clear("other");
    await first.close();
    const second = await openIn(folder);
    expect(idsOf(second)).toEqual(["b", "a"]);
    expect(second.find("default", "outbox", "a")).toEqual({ id: "a", text: "new" });
    expect(second.find("other", "outbox", "x")).toBeUndefined();
    await second.close();
  });

  test("is written before an append resolves", async () => {
    await using folder = await plantFolder({});
    const file = await openIn(folder);
    await Promise.all(
      ["a", "b", "c"].map(async (id) => {
        await file.append([aRecord(id)]);
        expect(await readFile(fileIn(folder), "utf8")).toContain(`"id":"${id}"`);
      }),
    );
    await file.close();
  });

  test("shows what was appended at once, and an empty append waits for it", async () => {
    await using folder = await plantFolder({});
    const file = await openIn(folder);
    const order: string[] = [];
    const appended = file.append([aRecord("a")]).then(() => order.push("appended"));
    expect(idsOf(file)).toEqual(["a"]);
    await file.append([]);
    order.push("waited");
    await appended;
    expect(order).toEqual(["appended", "waited"]);
    await file.close();
  });

  test("loses a torn last line, and goes on behind the line before", async () => {
    await using folder = await plantFolder({});
    const first = await openIn(folder);
    await first.append([aRecord("a")]);
    await first.close();
    await appendFile(fileIn(folder), '{"put":[{"tenant":"default","kind":"outb');
    const second = await openIn(folder);
    expect(idsOf(second)).toEqual(["a"]);
    await second.append([aRecord("b")]);
    await second.close();
    const third = await openIn(folder);
    expect(idsOf(third)).toEqual(["b", "a"]);
    await third.close();
  });

  test.for(["nonsense", "{}", "[1]", '{"put":1}'])(
    "refuses to go on over a line that is none of its own: %s",
    async (line) => {
      await using folder = await plantFolder({});
      await writeFile(fileIn(folder), `{"put":[]}\n${line}\n{"put":[]}\n`);
      await expect(openIn(folder)).rejects.toThrow(
        /sandbox\.jsonl is damaged at line 2\..*delete it/,
      );
    },
  );

  test("is for its owner only", async () => {
    await using folder = await plantFolder({});
    const file = await openIn(folder);
    await file.append([aRecord("a")]);
    await file.close();
    expect((await stat(fileIn(folder))).mode & 0o077).toBe(0);
  });

  test("is written anew when it has grown, with all that counts", async () => {
    await using folder = await plantFolder({});
    const first = await openIn(folder, 10_000);
    const text = "x".repeat(1_000);
    for (let n = 0; n < 100; n++) await first.append([aRecord(`r${n % 3}`, `${n} ${text}`)]);
    await first.close();
    expect((await stat(fileIn(folder))).size).toBeLessThan(20_000);
    const second = await openIn(folder);
    expect(idsOf(second)).toEqual(["r2", "r1", "r0"]);
    expect(second.find("default", "outbox", "r0")).toEqual({ id: "r0", text: `99 ${text}` });
    await second.close();
  });

  test("keeps nothing of what was cleared", async () => {
    await using folder = await plantFolder({});
    const file = await openIn(folder);
    await file.append([aRecord("a", "a secret of somebody")]);
    await file.clear("default");
    await file.close();
    expect(await readFile(fileIn(folder), "utf8")).not.toContain("secret");
  });

  test("goes back to what was written when the disk takes no more, and works when it does", async () => {
    await using folder = await plantFolder({ "fill.ts": FILL });
    // Blocks of 1 KiB: the file may not grow beyond.
    const printed = await collect({
      command: "bash",
      args: ["-c", `ulimit -f 64; exec "$0" --conditions=source fill.ts`, process.execPath],
      cwd: folder.path,
      env: process.env,
      limitMs: 20_000,
    });
    const { told, shown, reopened, after } = JSON.parse(printed) as Filled;
    expect(told).toEqual(["fulfilled", "rejected", "rejected", "rejected"]);
    expect([shown, reopened]).toEqual([
      ["b", "a"],
      ["b", "a"],
    ]);
    expect(after).toEqual(["e", "b", "a"]);
  });
});

interface Filled {
  readonly told: readonly string[];
  readonly shown: readonly string[];
  readonly reopened: readonly string[];
  readonly after: readonly string[];
}

/**
 * `a` and `b` fit. `c` and `huge` are written together, and the disk ends within `huge`. `d` comes while they are
 * written, and would fit.
 */
const FILL = `
import { openSandboxFile } from ${JSON.stringify(new URL("./sandbox-file.ts", import.meta.url).href)};
const open = () => openSandboxFile({ path: "sandbox.jsonl" });
const ids = (file) => file.list("default", "outbox", { before: null, limit: 9 }).map((it) => it.id);
const file = await open();
const append = (id, text = "") =>
  file.append([{ tenant: "default", kind: "outbox", id, value: { id, text } }]);
await append("a");
const b = append("b");
const done = [b, append("c"), append("huge", "x".repeat(200_000)), b.then(() => append("d"))];
const told = (await Promise.allSettled(done)).map(({ status }) => status);
const shown = ids(file);
const second = await open();
const reopened = ids(second);
await second.close();
await append("e");
console.log(JSON.stringify({ told, shown, reopened, after: ids(file) }));
await file.close();
`;

describe("a sandbox on the disk", () => {
  test("answers a key that it has seen in the life before, 100 times, with one invoice", async () => {
    await using folder = await plantFolder({});
    const ids = new Set<unknown>();
    for (let life = 1; life <= 100; life++) {
      const store = await openIn(folder);
      const sandbox = createSandbox({ store });
      const response = await sandbox.stripe(DEFAULT_TENANT)("https://api.stripe.com/v1/invoices", {
        method: "POST",
        body: "customer=cus_1",
        headers: {
          authorization: "Bearer sk_test_x",
          "idempotency-key": anActionContext().idempotencyKey,
        },
      });
      ids.add(JSON.stringify(await response.json()));
      await store.close();
    }
    const store = await openIn(folder);
    expect(ids.size).toBe(1);
    expect(store.list("default", "invoices", { before: null, limit: 9 })).toHaveLength(1);
    await store.close();
  });
});

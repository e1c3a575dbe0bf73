import { asJsonText } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { aRun, aStart } from "../suite/builders.ts";
import { aFault, createTestFolder } from "../suite/index.ts";
import { encodeUnits } from "./unit-codec.ts";
import { openWriter, type Writer } from "./write-verbs.ts";

const node = { id: "node_a", host: "h", pid: 1 };
const input = asJsonText(JSON.stringify("x".repeat(3000)));
const someRuns = (count: number): readonly (string | number | null)[] =>
  encodeUnits(Array.from({ length: count }, () => aStart(aRun({ input }))));

const countRuns = ({ database }: Writer): unknown =>
  database.prepare("select count(*) from runs").get()?.[0];

function limitPages({ database }: Writer, more: number): void {
  const pages = Number(database.prepare("pragma page_count").get()?.[0]);
  database.exec(`pragma max_page_count = ${pages + more}`);
}

describe("a full disk", () => {
  test("refuses a commit whole, and takes the next one when there is space again (fault 25)", () => {
    using folder = createTestFolder();
    const writer = openWriter({ path: folder.file("s.db"), synchronous: "FULL", leaseMs: 1000 });
    const { verbs } = writer;
    verbs.migrate(0);
    verbs.join(node, 0);
    verbs.commit(node.id, someRuns(3), 0);
    limitPages(writer, 10);
    const full = aFault("storage.full");
    expect(() => verbs.commit(node.id, someRuns(50), 0)).toThrow(full);
    expect(() => verbs.commit(node.id, someRuns(50), 0)).toThrow(full);
    expect(countRuns(writer)).toBe(3);
    expect(verbs.beat(node.id, [1], 1).now).toBe(1);
    limitPages(writer, 1000);
    verbs.commit(node.id, someRuns(50), 0);
    expect(countRuns(writer)).toBe(53);
    verbs.close();
  });
});

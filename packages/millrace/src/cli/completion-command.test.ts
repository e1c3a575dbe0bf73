import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { createTestIo } from "../../../../tools/testkit/test-io.ts";
import { createProgram } from "./program.ts";
import { runCommandLine } from "./run-command-line.ts";

const run = promisify(execFile);

async function scriptFor(shell: string): Promise<string> {
  const io = createTestIo();
  expect(await runCommandLine(["completion", shell], io)).toBe(0);
  return io.outText();
}

/** What bash offers when Tab is pressed behind `line`. */
async function complete(line: string): Promise<readonly string[]> {
  const words = line.split(" ");
  const script = `${await scriptFor("bash")}
COMP_WORDS=(${words.map((word) => `"${word}"`).join(" ")})
COMP_CWORD=${words.length - 1}
_millrace
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = await run("bash", ["--norc", "-c", script]);
  return stdout.split("\n").filter((word) => word !== "");
}

describe("millrace completion", () => {
  test("offers the commands to bash, and those that begin like it", async () => {
    expect(await complete("millrace ")).toEqual(
      expect.arrayContaining(["run", "runs", "workflows", "keys", "doctor", "help", "--version"]),
    );
    expect(await complete("millrace ru")).toEqual(["run", "runs"]);
  });

  test("offers what stands behind a command, past flags", async () => {
    expect(await complete("millrace runs w")).toEqual(["watch"]);
    expect(await complete("millrace workflows apply --act")).toEqual(["--activate"]);
    expect(await complete("millrace runs --json li")).toEqual(["list"]);
  });

  test("leaves the value of a flag to the shell", async () => {
    expect(await complete("millrace run x --file ")).toEqual([]);
  });

  test("knows every command and flag in each shell", async () => {
    const program = createProgram(createTestIo(), () => {});
    const flags = program.commands
      .flatMap((it) => [it, ...it.commands])
      .flatMap((it) => it.options);
    for (const shell of ["bash", "zsh", "fish"]) {
      const script = await scriptFor(shell);
      const missing = flags.filter(({ long }) => {
        const word = shell === "fish" ? `-l ${(long ?? "").slice(2)} ` : (long ?? "");
        return !script.includes(word);
      });
      expect([shell, missing]).toEqual([shell, []]);
      for (const { name } of program.commands.map((it) => ({ name: it.name() }))) {
        expect(script).toContain(name);
      }
    }
  });

  test("refuses a shell that it does not know", async () => {
    const io = createTestIo();
    expect(await runCommandLine(["completion", "csh"], io)).toBe(2);
    expect(io.errText()).toMatch(/Allowed choices are bash, zsh, fish/);
  });
});

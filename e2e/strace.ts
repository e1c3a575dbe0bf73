import { spawnSync } from "node:child_process";
import type { TestContext } from "vitest";

const PROBE = ["-f", "-y", "-o", "/dev/null", "-e", "inject=fsync:error=EIO:when=1..2", "true"];

/** Skips the test, and says so, where strace cannot be had. Where it is installed and may trace, the test runs. */
export function skipWithoutStrace(context: TestContext): void {
  const why = whyNoStrace();
  if (why === null) return;
  console.warn(`skipped "${context.task.name}": ${why}`);
  context.skip(why);
}

function whyNoStrace(): string | null {
  const { error, status, stderr } = spawnSync("strace", PROBE);
  if (error !== undefined) return "strace is not installed, so nobody can watch the system calls";
  return status === 0 ? null : `strace cannot trace here: ${stderr.toString().trim()}`;
}

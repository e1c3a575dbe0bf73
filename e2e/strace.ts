import { spawnSync } from "node:child_process";

const PROBE = ["-f", "-y", "-o", "/dev/null", "-e", "inject=fsync:error=EIO:when=1..2", "true"];

/** Why strace cannot be had here; null: it can. Where it is installed and may trace, its tests must run. */
export function whyNoStrace(): string | null {
  const { error, status, stderr } = spawnSync("strace", PROBE);
  if (error !== undefined) return "strace is not installed, so nobody can watch the system calls";
  return status === 0 ? null : `strace cannot trace here: ${stderr.toString().trim()}`;
}

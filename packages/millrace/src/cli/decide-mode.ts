import { MillraceError } from "@millrace/protocol";
import { isLoopbackHost } from "../loopback.ts";
import type { Mode } from "../mode.ts";
import type { Settings } from "./settings.ts";

/** @throws {MillraceError} option.invalid: in production without a key, either everybody or nobody could use it */
export async function decideMode(settings: Settings, host: string): Promise<Mode> {
  const isLocal = await isLoopbackHost(host);
  if (isLocal && settings.get("mode") !== "production") return "development";
  if (settings.get("adminKey") !== null) return "production";
  const why = isLocal
    ? "MILLRACE_ENV is production"
    : `The address ${host} can be reached from other machines`;
  const message =
    `${why}, so a key is needed: set MILLRACE_ADMIN_KEY to 32 or more random characters, ` +
    'for example by "openssl rand -base64 32".';
  throw new MillraceError("option.invalid", message);
}

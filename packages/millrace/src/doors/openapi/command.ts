// A route as a line to paste into a shell.
import type { JsonSchema, Route } from "../../route.ts";

const SAFE_ORIGIN = /^https?:\/\/[\w.:[\]-]+$/;
const USUAL_ORIGIN = "http://127.0.0.1:3000";

/** @param origin of the server; one that a shell could read as something else is not taken */
export function toCommand(
  { method, path, scope, body }: Route,
  origin: string = USUAL_ORIGIN,
): string {
  const base = SAFE_ORIGIN.test(origin) ? origin : USUAL_ORIGIN;
  const url = base + path.replaceAll(/:([a-z]+)/gi, (_, name: string) => `$${name.toUpperCase()}`);
  const parts = ["curl -s"];
  if (method !== "GET" && !(method === "POST" && body !== undefined)) parts.push(`-X ${method}`);
  parts.push(`"${url}"`);
  if (scope !== "public") parts.push('-H "x-api-key: $KEY"');
  if (body !== undefined) {
    parts.push(`-d '${JSON.stringify(exampleOf(body)).replaceAll("'", "'\\''")}'`);
  }
  return parts.join(" ");
}

function exampleOf({ examples }: JsonSchema): unknown {
  return Array.isArray(examples) ? (examples[0] as unknown) : {};
}

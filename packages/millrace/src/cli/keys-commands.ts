// `millrace keys create`, `list`, `revoke` and `rotate`. A key is shown once, when it is made.
import { MillraceError } from "@millrace/protocol";
import type { Command } from "commander";
import type { KeyView } from "../doors/rest/key-view.ts";
import { formatAgo } from "./durations.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { plain, styleOf } from "./io.ts";
import { addPageFlags, showList } from "./list-command.ts";
import {
  addGroup,
  addSpeaking,
  numberFlag,
  printJson,
  speaking,
  textFlag,
  type Call,
  type CommandLine,
} from "./speaking-command.ts";
import type { Column } from "./table.ts";

const PATH = "/api/v1/api-keys";

/** With its secret, this once. */
interface NewKeyView extends KeyView {
  readonly key: string;
}

export function addKeys(program: Command, line: CommandLine): void {
  const keys = addGroup(program, "keys", "hand out keys, and take them back");
  addSpeaking(keys, "create <name>", "make a key; it is shown this once")
    .requiredOption("--scopes <list>", "what it may do, with commas between, as runs:read")
    .option("--expires-in-days <number>", "when it ends (default: never)")
    .option("--limits <list>", "requests a minute, as read=1000,write=100,execute=500, or none")
    .action(speaking(line, create));
  addPageFlags(addSpeaking(keys, "list", "list keys, without their secrets")).action(
    speaking(line, list),
  );
  addSpeaking(keys, "revoke <id>", "end a key now").action(speaking(line, revoke));
  addSpeaking(keys, "rotate <id>", "give a key a new secret; it is shown this once")
    .option("--grace-seconds <number>", "how long the old one works beside it (default: 0)")
    .action(speaking(line, rotate));
}

async function create(call: Call, name: string): Promise<ExitCode> {
  const { client, flags } = call;
  const limits = textFlag(flags, "limits");
  const { data } = await client.post<NewKeyView>(PATH, {
    name,
    scopes: splitList(textFlag(flags, "scopes") ?? ""),
    expiresInDays: numberFlag(flags, "expiresInDays"),
    limits: limits === undefined ? undefined : parseLimits(limits),
  });
  return showNewKey(call, data, "made");
}

const splitList = (text: string): readonly string[] =>
  text
    .split(",")
    .map((one) => one.trim())
    .filter((one) => one !== "");

/** `none`: null. @throws {MillraceError} option.invalid */
export function parseLimits(text: string): Readonly<Record<string, number>> | null {
  if (text === "none") return null;
  const limits: [string, number][] = [];
  for (const part of splitList(text)) {
    const [, category, count] = /^(read|write|execute)=(\d{1,9})$/.exec(part) ?? [];
    if (category === undefined || limits.some(([one]) => one === category)) {
      const message = `--limits must be like read=1000,write=100,execute=500, or none; ${JSON.stringify(part)} is not.`;
      throw new MillraceError("option.invalid", message);
    }
    limits.push([category, Number(count)]);
  }
  return Object.fromEntries(limits);
}

/** The key alone on standard output, so that a script can take it; the words beside it. */
function showNewKey({ io, isJson }: Call, key: NewKeyView, how: string): ExitCode {
  if (isJson) {
    printJson(io, key);
    return EXIT.done;
  }
  const { paint } = styleOf(io);
  io.out(`${plain(key.key)}\n`);
  const end = key.expiresAt === null ? "" : `, until ${key.expiresAt.slice(0, 10)}`;
  io.err(paint("dim", `${how} ${plain(key.id)} "${plain(key.name)}"${end}: `));
  io.err(paint("dim", `${key.scopes.map(plain).join(", ")}\n`));
  io.err("Keep it now: it is not shown again.\n");
  return EXIT.done;
}

const ago = (iso: string | null): string =>
  iso === null ? "never" : formatAgo(Date.now() - Date.parse(iso));

const isOver = ({ expiresAt }: KeyView): boolean =>
  expiresAt !== null && Date.parse(expiresAt) <= Date.now();

const COLUMNS: readonly Column<KeyView>[] = [
  { title: "id", show: ({ id }) => id },
  { title: "name", show: ({ name }) => name, shrinks: true },
  { title: "scopes", show: ({ scopes }) => scopes.join(" "), shrinks: true },
  { title: "used", show: ({ lastUsedAt }) => ago(lastUsedAt), align: "right" },
  {
    title: "ends",
    show: ({ expiresAt }) => expiresAt?.slice(0, 10) ?? "never",
    color: (key) => (isOver(key) ? "red" : null),
  },
];

const list = (call: Call): Promise<ExitCode> =>
  showList(call, {
    path: PATH,
    name: "keys",
    command: "millrace keys list",
    columns: COLUMNS,
    empty: "No keys yet. Make one with: npx millrace keys create <name> --scopes runs:read",
  });

async function revoke({ client, io, isJson }: Call, id: string): Promise<ExitCode> {
  const { data } = await client.delete<object>(`${PATH}/${encodeURIComponent(id)}`);
  if (isJson) printJson(io, data);
  else io.out(`Revoked ${plain(id)}: every node refuses it within five seconds.\n`);
  return EXIT.done;
}

async function rotate(call: Call, id: string): Promise<ExitCode> {
  const path = `${PATH}/${encodeURIComponent(id)}/rotate`;
  const { data } = await call.client.post<NewKeyView>(path, {
    graceSeconds: numberFlag(call.flags, "graceSeconds", 0),
  });
  return showNewKey(call, data, "rotated");
}

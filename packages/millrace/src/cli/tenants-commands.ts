// `millrace tenants create` and `list`, with a root key.
import type { Command } from "commander";
import { formatInstant } from "./durations.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { plain, styleOf } from "./io.ts";
import { addPageFlags, showList } from "./list-command.ts";
import {
  addGroup,
  addSpeaking,
  printJson,
  speaking,
  type Call,
  type CommandLine,
} from "./speaking-command.ts";

const PATH = "/api/v1/tenants";

interface TenantView {
  readonly id: string;
  readonly name: string;
  /** null: it was there from the first. */
  readonly createdAt: string | null;
}

export function addTenants(program: Command, line: CommandLine): void {
  const tenants = addGroup(program, "tenants", "keep customers apart; needs a root key");
  addSpeaking(tenants, "create <name>", "make a tenant").action(speaking(line, create));
  addPageFlags(addSpeaking(tenants, "list", "list tenants")).action(speaking(line, list));
}

async function create({ client, io, isJson }: Call, name: string): Promise<ExitCode> {
  const { data } = await client.post<TenantView>(PATH, { name });
  if (isJson) {
    printJson(io, data);
    return EXIT.done;
  }
  const { paint } = styleOf(io);
  io.out(`Made the tenant ${paint("bold", plain(data.name))}.\n`);
  const next = `npx millrace keys create first --tenant ${plain(data.name)} --scopes '*'`;
  io.out(paint("dim", `Give it a key with: ${next}\n`));
  return EXIT.done;
}

const list = (call: Call): Promise<ExitCode> =>
  showList<TenantView>(call, {
    path: PATH,
    name: "tenants",
    command: "millrace tenants list",
    columns: [
      { title: "name", show: ({ name }) => name, shrinks: true },
      { title: "id", show: ({ id }) => id },
      {
        title: "made",
        show: ({ createdAt }) => (createdAt === null ? "–" : formatInstant(createdAt)),
      },
    ],
    empty: "No tenants yet. Make one with: npx millrace tenants create <name>",
  });

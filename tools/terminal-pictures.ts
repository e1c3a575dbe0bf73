// `npm run pictures`: draws the terminal that README shows, from what the command says here and now. Ids, instants
// and durations are those of this run; `maskLines` says what may differ, and a test compares the rest.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { styleText } from "node:util";
import { EXIT } from "../packages/millrace/src/cli/exit-codes.ts";
import { runCommandLine } from "../packages/millrace/src/cli/run-command-line.ts";
import { createTestIo } from "./testkit/test-io.ts";
import { plantFolder } from "./testkit/planted-folder.ts";
import { drawPicture, toLines, type Line, type Picture } from "./terminal-svg.ts";
import { ROOT } from "./workspace.ts";

export const COLUMNS = 80;
const TERMINAL = { columns: COLUMNS, rows: 30 };

const WORKFLOW = "wf_process_customer_order";

const ORDER = JSON.stringify({
  orderId: "A-1002",
  items: [{ sku: "mug-blue", quantity: 1, price: 12.5, grams: 340 }],
  shipTo: { country: "NL", postcode: "1012 AB" },
});
/** More than anybody may spend without being asked. */
const PURCHASE = JSON.stringify({ lines: [{ price: 20_000, quantity: 1 }] });

const ADDRESS = /http:\/\/127\.0\.0\.1:\d+/g;

/** Where a reader's own folder and server would be. */
const SHOWN_FOLDER = "/home/ada/millrace";
const SHOWN_URL = "http://127.0.0.1:3000";

const ORDERS = "orders.jsonl";
const ORDER_COUNT = 500;
/** Of the order that is not accepted. */
const BAD_LINE = 250;

/** By file: all pictures, made anew by a server of their own. */
export async function takePictures(): Promise<Readonly<Record<string, Picture>>> {
  await using folder = await plantFolder({ [ORDERS]: writeOrders() });
  await using server = await startServer(folder.path);
  const screen = createScreen(folder.path);
  const speak = async (args: readonly string[], expected: number, on = screen): Promise<void> => {
    const env = { MILLRACE_SERVER: server.url };
    const io = createTestIo({ cwd: folder.path, terminal: TERMINAL, env });
    on.type(args);
    const code = await runCommandLine(args, { ...io, out: on.write, err: on.write });
    if (code !== expected) throw new Error(`millrace ${args.join(" ")}: ${code}\n${on.text()}`);
  };
  await speak(["run", WORKFLOW, "--file", ORDERS, "--wait"], EXIT.failed);
  screen.write("\n");
  // So that the list shows more than one kind; nobody need see it happen.
  const aside = createScreen(folder.path);
  await speak(["run", "wf_order", "--input", ORDER, "--wait"], EXIT.done, aside);
  await speak(["run", "wf_purchase_approval", "--input", PURCHASE, "--wait"], EXIT.failed, aside);
  await speak(["runs", "list", "--limit", "5"], EXIT.done);
  return {
    "docs/images/start.svg": { title: "npm start", words: START_WORDS, lines: server.lines },
    "docs/images/runs.svg": { title: "npx millrace", words: RUNS_WORDS, lines: screen.lines() },
  };
}

interface Server extends AsyncDisposable {
  readonly url: string;
  /** What its own terminal shows, up to what README says itself. */
  readonly lines: readonly Line[];
}

async function startServer(cwd: string): Promise<Server> {
  const screen = createScreen(cwd);
  const io = createTestIo({ cwd, terminal: TERMINAL });
  const write = (words: string): void => {
    screen.write(words);
    io.out(words);
  };
  screen.type(["start", "--examples"]);
  const args = ["start", "--port", "0", "--examples", join(ROOT, "examples")];
  const ended = runCommandLine(args, { ...io, out: write, err: screen.write });
  const [url] = await Promise.race([
    io.untilOut(LAST_WORDS).then(() => screen.text().match(ADDRESS) ?? []),
    ended.then((code) => Promise.reject(new Error(`it ended with ${code}: ${screen.text()}`))),
  ]);
  if (url === undefined) throw new Error(`the server does not say where it is: ${screen.text()}`);
  return {
    url,
    lines: screen.lines(),
    [Symbol.asyncDispose]: async () => {
      io.stop();
      await ended;
    },
  };
}

const START_WORDS =
  'The terminal after "millrace start --examples": the example "order" as a timeline, a bar for each step. ' +
  "The charge of the card failed once and was tried again, a wait and a child workflow follow, and the run " +
  "completed in about a second. Below it stand the address of the server and the place of its key.";

const RUNS_WORDS =
  `The terminal after "millrace run --file ${ORDERS} --wait" with ${ORDER_COUNT} orders: one line is rejected, ` +
  'with its number and its mistake, and all others completed. Then "millrace runs list": the newest runs, one ' +
  "of which failed, and how long they took.";

/** Of `start`, when it has said everything. */
const LAST_WORDS = "Ctrl-C stops the server.";
/** From here on README says it itself. */
const NOT_SHOWN = "\nRun it yourself:";

/** Orders of the example, one of which has a mistake. */
function writeOrders(): string {
  const lines = Array.from({ length: ORDER_COUNT }, (_, at) => {
    const items = [{ productId: "mug-blue", quantity: 1 + (at % 3), price: 1999 }];
    const customerId = at + 1 === BAD_LINE ? undefined : `cus_${at}`;
    return JSON.stringify({ customerId, customerEmail: "ada@example.com", items });
  });
  return lines.join("\n");
}

interface Screen {
  readonly text: () => string;
  readonly write: (words: string) => void;
  /** A command of the reader's, behind a prompt. */
  readonly type: (args: readonly string[]) => void;
  readonly lines: () => readonly Line[];
}

/** One terminal: what is typed in it and written to it, in that order. */
function createScreen(folder: string): Screen {
  let text = "";
  const write = (words: string): void => {
    text += words;
  };
  return {
    text: () => text,
    write,
    type: (args) =>
      write(`${styled("dim", "$")} ${styled("bold", `npx millrace ${args.join(" ")}`)}\n`),
    lines: () => {
      const [shown = ""] = text.split(NOT_SHOWN);
      const moved = shown.replaceAll(folder, SHOWN_FOLDER).replaceAll(ADDRESS, SHOWN_URL);
      return toLines(moved, COLUMNS);
    },
  };
}

const styled = (style: "bold" | "dim", text: string): string =>
  styleText(style, text, { validateStream: false });

/** Bars of the timeline: how long they are, and what of them could be drawn, is a matter of time. */
const BAR = /^[█▏▚┄]+$/;

/** What the lines say and how they look, in which all that may differ from one time to the next is the same. */
export function maskLines(lines: readonly Line[]): readonly string[] {
  const masked: string[] = [];
  let isWrapped = false;
  for (const line of lines) {
    const shown = line.map(showPart).join(" ");
    // An id may be wrapped in its middle.
    if (isWrapped) masked.push((masked.pop() ?? "") + shown);
    else masked.push(shown);
    const last = line.at(-1);
    isWrapped = last !== undefined && last.column + last.text.length === COLUMNS;
  }
  return masked.map(maskText);
}

function showPart({ text, color, weight }: Line[number]): string {
  if (BAR.test(text)) return "(bar)";
  if (text.startsWith("╵")) return "(tick)";
  const look = [color, weight].filter((it) => it !== null).join(" ");
  return look === "" ? text : `[${look}: ${text}]`;
}

const maskText = (text: string): string =>
  text
    .replaceAll(/\((bar|tick)\)( \(\1\))*/g, "($1)")
    .replaceAll(/run_[0-9A-Z]{26}/g, "(run)")
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ/g, "(instant)")
    .replaceAll(/\b\d\d:\d\d:\d\d\b/g, "(time)")
    .replaceAll(/(?:<|\b)\d+(?:\.\d+)? (?:ms|s|m|h)\b/g, "(duration)")
    // How much of a name is left depends on how wide the other columns are.
    .replaceAll(/\bwf_\w+…/g, "(workflow)…")
    .replaceAll(/pay-[0-9a-f]{8}/g, "(payment)")
    .replaceAll(/Millrace \d+\.\d+\.\d+[^\s\]]*/g, "Millrace (version)");

if (import.meta.main) {
  const pictures = await takePictures();
  // A server keeps what its process writes to its owner; pictures are for everybody.
  process.umask(0o022);
  mkdirSync(join(ROOT, "docs/images"), { recursive: true });
  for (const [file, picture] of Object.entries(pictures)) {
    writeFileSync(join(ROOT, file), drawPicture(picture, COLUMNS));
    process.stdout.write(`${file} is written\n`);
  }
}

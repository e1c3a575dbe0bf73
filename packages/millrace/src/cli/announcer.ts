// How a server tells what it does: on a screen for a person, or in the log.
import type { Log } from "@millrace/engine";
import type { CodeSummary } from "../code/hosted-code.ts";
import type { Mode } from "../mode.ts";
import { VERSION } from "../version.ts";
import { styleOf, type Io } from "./io.ts";
import { drawReady, drawTitle, type Ready } from "./screen.ts";

export interface Announcer {
  /** @param database its address without a password; null: the store is in the data folder */
  starting(mode: Mode, data: string, database: string | null): void;
  /** Users' code is there. */
  loaded(code: CodeSummary): void;
  /** It serves. */
  listening(url: string): void;
  /** It serves, and the examples are there. */
  ready(ready: Ready): void;
  stopping(): void;
  stopped(): void;
}

export function createScreen(io: Io): Announcer {
  const show = (text: string): void => io.out(`${text}\n`);
  return {
    starting: (mode, data, database) => show(drawTitle(mode, database ?? data, styleOf(io))),
    loaded: (code) => {
      if (hasCode(code)) show(styleOf(io).paint("dim", toSentence(code)));
    },
    // Told with the rest, so that it stands below a long timeline.
    listening: () => {},
    ready: (ready) => show(drawReady(ready, styleOf(io))),
    stopping: () => show(`\n${STOPPING}; Ctrl-C again stops at once.`),
    stopped: () => show(`${STOPPED}.`),
  };
}

export function createLogAnnouncer(log: Log): Announcer {
  return {
    starting: (mode, data, database) =>
      log.info(
        { mode, data, ...(database === null ? {} : { database }), version: VERSION },
        `Millrace ${VERSION} starts in ${mode} mode`,
      ),
    loaded: (code) => {
      if (hasCode(code)) log.info({ ...code }, toSentence(code));
    },
    listening: (url) => log.info({ url }, `serves ${url}`),
    ready: ({ differing }) => {
      for (const file of differing) {
        log.warn(
          { file },
          "an example was changed since its workflow was stored; the stored one stays",
        );
      }
    },
    stopping: () => log.info({}, STOPPING),
    stopped: () => log.info({}, STOPPED),
  };
}

const STOPPING = "Stopping: requests and steps may finish";
const STOPPED = "Stopped: runs that have not ended go on at the next start";

const hasCode = ({ functionCount, workflowCount, processCount }: CodeSummary): boolean =>
  functionCount + workflowCount + processCount > 0;

/** `2 functions and 1 workflow, in 4 processes of their own` */
function toSentence({ functionCount, workflowCount, processCount }: CodeSummary): string {
  const what = `${countOf(functionCount, "function")} and ${countOf(workflowCount, "workflow")}`;
  if (processCount === 0) return `${what}, in this process`;
  const where = processCount === 1 ? "a process" : `${processCount} processes`;
  return `${what}, in ${where} of their own`;
}

const countOf = (count: number, noun: string): string =>
  `${count} ${noun}${count === 1 ? "" : "s"}`;

import { tmpdir } from "node:os";
import type { Io } from "../../packages/millrace/src/cli/io.ts";
import type { App } from "millrace";

export interface TestIoOptions {
  readonly env?: Io["env"];
  readonly cwd?: string;
  /** The server that every address leads to. null: nobody answers. Default: the real network. */
  readonly app?: App | null;
  readonly terminal?: { readonly columns: number; readonly rows: number };
  readonly input?: string;
}

export interface TestIo extends Io {
  /** All that was written to standard output so far. */
  readonly outText: () => string;
  readonly errText: () => string;
  /** Resolves when standard output holds `text`. */
  readonly untilOut: (text: string) => Promise<void>;
  /** As Ctrl-C does. */
  readonly stop: () => void;
}

export function createTestIo(options: TestIoOptions = {}): TestIo {
  const { app, terminal } = options;
  let outText = "";
  let errText = "";
  const watchers = new Set<() => void>();
  const stopped = Promise.withResolvers<void>();
  return {
    env: options.env ?? {},
    cwd: options.cwd ?? tmpdir(),
    fetch: async (url, init) => {
      if (app === undefined) return fetch(url, init);
      if (app === null) throw new TypeError("fetch failed");
      return app.fetch(new Request(url, init));
    },
    out: (text) => {
      outText += text;
      for (const look of watchers) look();
    },
    err: (text) => {
      errText += text;
    },
    terminal: () => terminal ?? null,
    readInput: () => Promise.resolve(options.input ?? ""),
    untilStopped: () => stopped.promise,
    outText: () => outText,
    errText: () => errText,
    untilOut: (text) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!outText.includes(text)) return;
          watchers.delete(look);
          resolve();
        };
        watchers.add(look);
        look();
      }),
    stop: () => stopped.resolve(),
  };
}

// The sandbox's store on the disk of a development server: one file of JSON lines, a line for each append, so that
// an append is there whole or not at all. Everything is in memory, too; the file is for the next start.
//
//   S1. What was acknowledged is synced. Appends that wait together are written together, with one sync.
//   S2. A torn last line is what a crash leaves of an append that nobody was told of; it is cut off.
//   S3. After a failed write nobody knows what the disk holds: memory goes back to what was synced.
import { SandboxRecords, type SandboxRecord, type SandboxStore } from "@millrace/connectors";
import { MillraceError } from "@millrace/protocol";
import { open, readFile, rename, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";

export interface SandboxFile extends SandboxStore {
  /** Waits for what is being written. */
  close(): Promise<void>;
}

export interface SandboxFileOptions {
  readonly path: string;
  /** The file is written anew, without what was replaced, once it has grown by this much. Default 64 MiB. */
  readonly rewriteBytes?: number;
}

type Line = { readonly put: readonly SandboxRecord[] } | { readonly clear: string };

interface Waiting {
  /** Without a line: only wait for those before. */
  readonly text: string;
  readonly done: PromiseWithResolvers<void>;
}

const DEFAULT_REWRITE_BYTES = 64 * 1024 * 1024;
const CHUNK_BYTES = 1024 * 1024;
const OWNER_ONLY = 0o600;

/**
 * Reads the file, and makes it if there is none.
 *
 * @throws {MillraceError} option.invalid: the file is none of ours
 */
export async function openSandboxFile(options: SandboxFileOptions): Promise<SandboxFile> {
  const file = new LineFile(options);
  await file.open();
  return file;
}

class LineFile implements SandboxFile {
  readonly #path: string;
  readonly #rewriteBytes: number;
  readonly #records = new SandboxRecords();
  #handle: FileHandle | null = null;
  /** Of the file, as far as it is synced. */
  #size = 0;
  #rewriteAt = 0;
  #waiting: Waiting[] = [];
  #writing: Promise<void> | null = null;

  constructor({ path, rewriteBytes = DEFAULT_REWRITE_BYTES }: SandboxFileOptions) {
    this.#path = path;
    this.#rewriteBytes = rewriteBytes;
  }

  find: SandboxStore["find"] = (tenant, kind, id) => this.#records.find(tenant, kind, id);
  list: SandboxStore["list"] = (tenant, kind, page) => this.#records.list(tenant, kind, page);

  async append(records: readonly SandboxRecord[]): Promise<void> {
    for (const record of records) this.#records.put(record);
    await this.#write(records.length === 0 ? null : { put: records });
  }

  async clear(tenant: string): Promise<void> {
    this.#records.clear(tenant);
    // What was cleared shall not lie in the file either.
    this.#rewriteAt = 0;
    await this.#write({ clear: tenant });
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#handle?.close();
    this.#handle = null;
  }

  async open(): Promise<void> {
    // Readable and writable, made if it is not there.
    this.#handle = await open(this.#path, "a+", OWNER_ONLY);
    await syncFolder(this.#path);
    await this.#load(this.#handle);
    this.#rewriteAt = this.#size + this.#rewriteBytes;
  }

  /** S2. Memory is what the file says. */
  async #load(handle: FileHandle): Promise<void> {
    // By its path: a handle reads on from where it is.
    const bytes = await readFile(this.#path);
    const end = bytes.lastIndexOf(NEW_LINE) + 1;
    this.#records.clearAll();
    for (const [at, text] of bytes.toString("utf8", 0, end).split("\n").entries()) {
      if (text !== "") this.#apply(readLine(text, at + 1, this.#path));
    }
    if (end < bytes.length) {
      await handle.truncate(end);
      await handle.datasync();
    }
    this.#size = end;
  }

  #apply(line: Line): void {
    if ("clear" in line) this.#records.clear(line.clear);
    else for (const record of line.put) this.#records.put(record);
  }

  async #write(line: Line | null): Promise<void> {
    if (line === null && this.#writing === null) return;
    const done = Promise.withResolvers<void>();
    this.#waiting.push({ text: line === null ? "" : toLineText(line), done });
    this.#writing ??= this.#writeAll().finally(() => (this.#writing = null));
    await done.promise;
  }

  /** S1. Never rejects: whoever waits is told. */
  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        await this.#writeBatch(batch.map(({ text }) => text).join(""));
        for (const { done } of batch) done.resolve();
      } catch (error) {
        await this.#fail(error, batch);
      }
    }
  }

  async #writeBatch(text: string): Promise<void> {
    if (this.#handle === null) throw new Error("the sandbox is closed");
    if (text === "") return;
    const bytes = Buffer.from(text);
    await this.#handle.appendFile(bytes);
    await this.#handle.datasync();
    this.#size += bytes.length;
    if (this.#size > this.#rewriteAt) await this.#rewrite();
  }

  /**
   * A file of what counts takes the place of the one that has grown; whoever opens it finds either. What cannot be
   * done now is tried later: the file that is there has everything.
   */
  async #rewrite(): Promise<void> {
    this.#rewriteAt = this.#size + this.#rewriteBytes;
    try {
      const size = await this.#writeDraft(`${this.#path}.new`);
      await rename(`${this.#path}.new`, this.#path);
      const old = this.#handle;
      this.#handle = await open(this.#path, "a+", OWNER_ONLY);
      await syncFolder(this.#path);
      await old?.close();
      this.#size = size;
      this.#rewriteAt = size + this.#rewriteBytes;
    } catch {
      // As above.
    }
  }

  /** @returns its size */
  async #writeDraft(path: string): Promise<number> {
    await using handle = await open(path, "w", OWNER_ONLY);
    let size = 0;
    let text = "";
    const flush = async (): Promise<void> => {
      const bytes = Buffer.from(text);
      await handle.appendFile(bytes);
      size += bytes.length;
      text = "";
    };
    for (const record of this.#records.all()) {
      text += toLineText({ put: [record] });
      if (text.length > CHUNK_BYTES) await flush();
    }
    await flush();
    await handle.datasync();
    return size;
  }

  /** S3. Who has come meanwhile has built on what is gone, and fails as well. */
  async #fail(cause: unknown, batch: readonly Waiting[]): Promise<void> {
    const failed = [...batch, ...this.#waiting];
    this.#waiting = [];
    try {
      if (this.#handle !== null) {
        await this.#handle.truncate(this.#size);
        await this.#load(this.#handle);
      }
    } catch {
      // The next write fails as this one did; what was synced is still in the file.
    }
    const why = cause instanceof Error ? cause.message : String(cause);
    const error = new Error(`${this.#path} cannot be written: ${why}`, { cause });
    for (const { done } of failed) done.reject(error);
  }
}

const NEW_LINE = 0x0a;

const toLineText = (line: Line): string => `${JSON.stringify(line)}\n`;

/** Else a file that was made or renamed may have its old name, or none, after the power fails. */
async function syncFolder(path: string): Promise<void> {
  await using folder = await open(dirname(path), "r");
  await folder.sync();
}

function readLine(text: string, number: number, path: string): Line {
  try {
    const line = JSON.parse(text) as unknown;
    // Written by this file, or not at all.
    if (isLine(line)) return line;
  } catch {
    // Told below, as what has another shape.
  }
  throw new MillraceError(
    "option.invalid",
    `${path} is damaged at line ${number}. It holds the sandbox's mails and fake payments only; delete it to go on.`,
  );
}

const isLine = (value: unknown): value is Line =>
  typeof value === "object" &&
  value !== null &&
  (("put" in value && Array.isArray(value.put)) ||
    ("clear" in value && typeof value.clear === "string"));

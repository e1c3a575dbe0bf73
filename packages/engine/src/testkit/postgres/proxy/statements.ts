// What one client asks for: the text behind each of its messages that executes something.
import { readTexts, type Message } from "./messages.ts";

/** How often each text was executed, by all clients. */
export class StatementCounts {
  readonly #byText = new Map<string, number>();
  #total = 0;

  get byText(): ReadonlyMap<string, number> {
    return this.#byText;
  }

  get total(): number {
    return this.#total;
  }

  /** @param text undefined: the message executed nothing */
  add(text: string | undefined): void {
    if (text === undefined) return;
    this.#total += 1;
    this.#byText.set(text, (this.#byText.get(text) ?? 0) + 1);
  }

  clear(): void {
    this.#byText.clear();
    this.#total = 0;
  }
}

/** Follows names of prepared statements and portals. */
export class StatementReader {
  readonly #statements = new Map<string, string>();
  readonly #portals = new Map<string, string>();

  /** @returns the text that this message executes; undefined: it executes nothing */
  read({ type, body }: Message): string | undefined {
    switch (type) {
      case "Q":
        return readTexts(body)[0];
      case "P": {
        const [name = "", text = ""] = readTexts(body);
        this.#statements.set(name, text);
        return undefined;
      }
      case "B": {
        const [portal = "", statement = ""] = readTexts(body);
        this.#portals.set(portal, this.#statements.get(statement) ?? "");
        return undefined;
      }
      case "E":
        return this.#portals.get(readTexts(body)[0] ?? "") ?? "";
      default:
        return undefined;
    }
  }
}

import { Injectable } from "@nestjs/common";

/** Stands for the rest of the application: what its workflows call, and where its orders come from. */
@Injectable()
export class Ledger {
  readonly #lines: string[] = [];

  write(line: string): number {
    return this.#lines.push(line);
  }

  get lines(): readonly string[] {
    return this.#lines;
  }
}

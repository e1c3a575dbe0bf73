// Nodes that count requests of keys together, on a virtual clock and one store in memory.
import { DEFAULT_TENANT, MillraceError, type NodeId } from "@millrace/protocol";
import { KeyQuotas } from "../runtime/key-quotas.ts";
import type { CountedRequest, RequestCount } from "../runtime/key-commands.ts";
import type { Log } from "../runtime/log.ts";
import { SILENT_LOG } from "../runtime/log.ts";
import type { KeyWindows, QuotaRequest } from "../storage/key-windows.ts";
import { createMemoryStorage } from "../storage/memory/memory-storage.ts";
import { VirtualClock } from "./virtual-clock.ts";

/** The beginning of a second. */
export const QUOTA_WORLD_START = 1_800_000_000_000;

export class QuotaWorld {
  readonly clock: VirtualClock = new VirtualClock();
  /** All that was asked of the store. */
  readonly asked: QuotaRequest[] = [];
  readonly warnings: string[] = [];
  /** How long a question is on its way. */
  delayMs: () => number = () => 0;
  /** `refuses`: fails at once; `hangs`: never answers what is asked of it until it is well again. */
  health: "well" | "refuses" | "hangs" = "well";
  readonly #windows: KeyWindows;
  #hanging: (() => void)[] = [];

  private constructor(windows: (world: QuotaWorld) => KeyWindows) {
    this.#windows = windows(this);
  }

  static async open(nodes: number): Promise<QuotaWorld> {
    const world = new QuotaWorld((it) => {
      const storage = createMemoryStorage({
        now: () => QUOTA_WORLD_START + it.clock.monotonicMs(),
        leaseMs: Infinity,
      });
      for (let n = 0; n < nodes; n++) {
        // A node's id in this world.
        void storage.join({ id: `node_${n}` as NodeId, host: "test-host", pid: n });
      }
      if (storage.keyWindows === undefined) throw new Error("the store in memory has windows");
      return storage.keyWindows;
    });
    await world.clock.settle();
    return world;
  }

  /** A node, as far as it counts. */
  openNode(): KeyQuotas {
    const log: Log = {
      ...SILENT_LOG,
      info: (_, message) => this.warnings.push(message),
      warn: (_, message) => this.warnings.push(message),
    };
    return new KeyQuotas({ take: (request) => this.#take(request) }, this.clock, log);
  }

  /** What hangs is answered, late. */
  recover(): void {
    this.health = "well";
    for (const go of this.#hanging) go();
    this.#hanging = [];
  }

  /** `count` requests at once, which a test must give the time that they need. */
  send(
    node: KeyQuotas,
    count: number,
    more: Partial<CountedRequest> = {},
  ): readonly Promise<RequestCount>[] {
    const request: CountedRequest = {
      tenant: DEFAULT_TENANT,
      key: "key_1",
      category: "read",
      limit: 100,
      ...more,
    };
    return Array.from({ length: count }, () => node.count(request));
  }

  /** `count` requests at once. Moves time until they are answered. */
  ask(
    node: KeyQuotas,
    count: number,
    more: Partial<CountedRequest> = {},
  ): Promise<readonly RequestCount[]> {
    return this.clock.run(Promise.all(this.send(node, count, more)));
  }

  async allowed(
    node: KeyQuotas,
    count: number,
    more: Partial<CountedRequest> = {},
  ): Promise<number> {
    return (await this.ask(node, count, more)).filter(isAllowed).length;
  }

  async #take(request: QuotaRequest): ReturnType<KeyWindows["take"]> {
    this.asked.push(request);
    if (this.health === "refuses") throw new MillraceError("storage.unavailable", "down");
    if (this.health === "hangs") await new Promise<void>((go) => this.#hanging.push(go));
    const delayMs = this.delayMs();
    if (delayMs > 0) await new Promise<void>((go) => this.clock.setTimer(delayMs, go));
    return this.#windows.take(request);
  }
}

const isAllowed = (count: RequestCount): boolean => count.kind === "counted" && count.isAllowed;

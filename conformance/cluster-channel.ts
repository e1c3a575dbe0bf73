// Questions and answers between a test and the nodes of its cluster, which are processes of their own.
import { MillraceError, type ErrorCode, type Issue } from "@millrace/protocol";

/** Either end of what `fork` makes: the child, or `process` inside it. */
interface ChannelEnd {
  send?(message: unknown): unknown;
  on(event: "message", listener: (message: unknown) => void): unknown;
}

/** By its name, with what was asked. */
export type Answers = Readonly<Record<string, (body: never) => unknown>>;

export interface Channel {
  /** @throws what the other side threw, as far as it can be told */
  ask(name: string, body: unknown): Promise<unknown>;
}

type Message =
  | {
      readonly kind: "question";
      readonly id: number;
      readonly name: string;
      readonly body: unknown;
    }
  | { readonly kind: "answer"; readonly id: number; readonly value: unknown }
  | { readonly kind: "thrown"; readonly id: number; readonly error: Thrown };

interface Thrown {
  readonly message: string;
  readonly code: ErrorCode | null;
  readonly issues: readonly Issue[];
}

export function createChannel(end: ChannelEnd, answers: Answers): Channel {
  const open = new Map<number, PromiseWithResolvers<unknown>>();
  let lastId = 0;
  const send = (message: Message): void => void end.send?.(message);
  const answer = async (id: number, name: string, body: unknown): Promise<void> => {
    try {
      const own = answers[name];
      if (own === undefined) throw new Error(`nobody answers ${name}`);
      // Both ends are ours, and of one release.
      send({ kind: "answer", id, value: await own(body as never) });
    } catch (error) {
      send({ kind: "thrown", id, error: toThrown(error) });
    }
  };
  end.on("message", (received) => {
    // Nobody else sends here.
    const message = received as Message;
    if (message.kind === "question") return void answer(message.id, message.name, message.body);
    const asked = open.get(message.id);
    open.delete(message.id);
    if (message.kind === "answer") asked?.resolve(message.value);
    else asked?.reject(fromThrown(message.error));
    return undefined;
  });
  return {
    ask: (name, body) => {
      const asked = Promise.withResolvers<unknown>();
      lastId += 1;
      open.set(lastId, asked);
      send({ kind: "question", id: lastId, name, body });
      return asked.promise;
    },
  };
}

function toThrown(error: unknown): Thrown {
  const message = error instanceof Error ? error.message : String(error);
  return MillraceError.is(error)
    ? { message, code: error.code, issues: error.issues }
    : { message, code: null, issues: [] };
}

const fromThrown = ({ message, code, issues }: Thrown): Error =>
  code === null ? new Error(message) : new MillraceError(code, message, { issues });

// Children of a run.
import {
  fromJsonText,
  MillraceError,
  type JsonText,
  type JsonValue,
  type Outcome,
} from "@millrace/protocol";
import type { Asker } from "./ask.ts";
import { ChildError, ChildrenError, toChildFailure } from "./durable-errors.ts";
import type { DurablePromise } from "./durable-promise.ts";
import { toStoredJson } from "./to-stored-json.ts";
import type { InvokeManyOptions, InvokeOptions } from "./workflow-context.ts";

interface ChildAsk {
  readonly name: string;
  readonly workflow: string;
  readonly options: InvokeOptions;
}

/** @throws {StepError} input.invalid */
export function askForChild(
  asker: Asker,
  ask: ChildAsk & { readonly input: unknown },
): DurablePromise<JsonValue> {
  return request(asker, ask, toStoredJson(ask.name, "The input of the child", ask.input), null);
}

const DEFAULT_CONCURRENCY = 1_000;

/** @throws {StepError} input.invalid; {MillraceError} option.invalid */
export function askForChildren(
  asker: Asker,
  ask: ChildAsk & { readonly inputs: readonly unknown[]; readonly options: InvokeManyOptions },
): DurablePromise<JsonValue[]> {
  const { concurrency = DEFAULT_CONCURRENCY } = ask.options;
  if (!Number.isInteger(concurrency) || concurrency < 1) {
    const message = `\`concurrency\` must be a whole number from 1, is ${concurrency}`;
    throw new MillraceError("option.invalid", message);
  }
  const inputs = ask.inputs.map((input, i) => toStoredJson(ask.name, `Input ${i}`, input));
  const key = asker.toKey(ask.name);
  return asker.track(key, askForAll(asker, { ...ask, name: key }, inputs, concurrency));
}

/** As many at once as wanted; the next begins when one ends. */
async function askForAll(
  asker: Asker,
  ask: ChildAsk,
  inputs: readonly JsonText[],
  concurrency: number,
): Promise<JsonValue[]> {
  const outputs: JsonValue[] = inputs.map(() => null);
  const errors: ChildError[] = [];
  const waiting = inputs.entries();
  const takeTurns = async (): Promise<void> => {
    for (const [index, input] of waiting) {
      try {
        outputs[index] = await request(
          asker,
          { ...ask, name: `${ask.name}[${index}]` },
          input,
          index,
        );
      } catch (thrown) {
        if (!(thrown instanceof ChildError)) throw thrown;
        errors.push(thrown);
      }
    }
  };
  const lanes = Array.from({ length: Math.min(concurrency, inputs.length) }, takeTurns);
  await Promise.all(lanes);
  const [first, ...rest] = errors.toSorted((a, b) => (a.index ?? 0) - (b.index ?? 0));
  if (first !== undefined) throw new ChildrenError(ask.name, [first, ...rest], inputs.length);
  return outputs;
}

function request(
  asker: Asker,
  { name, workflow, options }: ChildAsk,
  input: JsonText,
  index: number | null,
): DurablePromise<JsonValue> {
  const { metadata = {}, onParentEnd = "cancel" } = options;
  return asker.ask({
    name,
    toRequest: (key) => ({ kind: "invoke", key, workflow, input, metadata, onParentEnd }),
    read: (outcome, key) => readChild(outcome, { key, workflow, index }),
  });
}

function readChild(
  outcome: Outcome,
  { key, workflow, index }: { key: string; workflow: string; index: number | null },
): JsonValue {
  if (outcome.status === "completed") return fromJsonText(outcome.output);
  throw new ChildError(toChildFailure(key, workflow, outcome), workflow, index);
}

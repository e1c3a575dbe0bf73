// Where the flow goes from each step: the names of other steps in its fields, before anything is known of those.
import { checkName } from "@millrace/protocol";
import { didYouMean } from "./did-you-mean.ts";
import type { FieldReader } from "./field-reader.ts";
import { describeValue, isList, show } from "./json-shape.ts";
import type { IssuePath, Report } from "./report.ts";
import type { StepFlow } from "./step-kind.ts";

/** A step that another one names. */
export interface Target {
  readonly id: string;
  readonly position: number;
  /** Where the definition names it. */
  readonly at: IssuePath;
}

/** Everything that one step says of what comes next. Empty lists where it says nothing. */
export interface Flow {
  readonly next: readonly Target[];
  /** Something stands in `next`, if only a mistake. */
  readonly hasNext: boolean;
  /** Of a condition, when it is true; in a graph the same as `next`. */
  readonly whenTrue: readonly Target[];
  readonly whenFalse: readonly Target[];
  /** Of a parallel step; in a graph the same as `next`. */
  readonly branches: readonly (readonly Target[])[];
  /** Of a loop, in a list. */
  readonly body: readonly Target[];
  /** Something says what a loop repeats, if only a mistake. */
  readonly hasBody: boolean;
  /** Of a loop, in a graph. */
  readonly done: readonly Target[];
  readonly onError: readonly Target[];
}

/** What the steps of one definition may name. */
export interface FlowReading {
  /** Positions by id. */
  readonly ids: ReadonlyMap<string, number>;
  readonly report: Report;
}

const NONE: readonly Target[] = [];

/** Of something that is no step. */
export const NO_FLOW: Flow = {
  next: NONE,
  hasNext: false,
  whenTrue: NONE,
  whenFalse: NONE,
  branches: [],
  body: NONE,
  hasBody: false,
  done: NONE,
  onError: NONE,
};

/** @param own id of the step; @param kind what kind of flow it has beside `next` and `onError` */
export function readFlow(
  own: string,
  fields: FieldReader,
  config: FieldReader,
  kind: StepFlow | undefined,
  reading: FlowReading,
): Flow {
  const reader = new TargetReader(own, reading);
  const isCondition = kind === "condition";
  const isLoop = kind === "loop";
  const hasNext = isGiven(fields, "next");
  return {
    next: reader.read(fields, "next"),
    hasNext,
    whenTrue: isCondition ? reader.readEither(config, fields, "then") : NONE,
    whenFalse: isCondition ? reader.readEither(config, fields, "else") : NONE,
    branches: kind === "parallel" ? reader.readBranches(config, "branches") : [],
    body: isLoop ? reader.read(config, "steps") : NONE,
    hasBody: hasNext || (isLoop && isGiven(config, "steps")),
    done: isLoop ? reader.readEither(config, fields, "done") : NONE,
    onError: reader.readEither(config, fields, "onError"),
  };
}

/** Whether any step says by itself what comes next: then no order of the list does. */
export const isGraph = (flows: readonly Flow[]): boolean => flows.some((flow) => flow.hasNext);

/** A list without elements says as much as nothing. */
function isGiven(reader: FieldReader, name: string): boolean {
  const value = reader.value(name);
  return value !== undefined && value !== null && !(isList(value) && value.length === 0);
}

class TargetReader {
  readonly #own: string;
  readonly #reading: FlowReading;

  constructor(own: string, reading: FlowReading) {
    this.#own = own;
    this.#reading = reading;
  }

  /** In config, its canonical place, or beside it, where some write it. */
  readEither(config: FieldReader, fields: FieldReader, name: string): readonly Target[] {
    if (config.has(name) && fields.has(name)) {
      fields.error(name, `Is given twice: also as config.${name}`);
    }
    return this.read(config.has(name) ? config : fields, name);
  }

  /** An id or a list of ids. */
  read(reader: FieldReader, name: string): readonly Target[] {
    const value = reader.value(name);
    return value === undefined || value === null ? NONE : this.#toTargets(value, reader.at(name));
  }

  /** A list of branches, each an id or a list of ids. */
  readBranches(reader: FieldReader, name: string): readonly (readonly Target[])[] {
    const seen = new Set<string>();
    return (reader.list(name) ?? []).map((branch, i) => {
      return this.#toTargets(branch, reader.at(name, i)).filter(({ id, at }) => {
        const isNew = !seen.has(id);
        if (!isNew) this.#reading.report.error(at, `Step ${show(id)} is named twice`);
        seen.add(id);
        return isNew;
      });
    });
  }

  #toTargets(value: Parameters<typeof describeValue>[0], at: IssuePath): readonly Target[] {
    if (typeof value === "string") return this.#toTarget(value, at);
    if (isList(value)) {
      const seen = new Set<string>();
      return value.flatMap((one, i) => {
        const where = [...at, i];
        if (typeof one !== "string") {
          this.#reading.report.error(
            where,
            `Expected the id of a step, received ${describeValue(one)}`,
          );
          return [];
        }
        if (seen.has(one)) {
          this.#reading.report.error(where, `Step ${show(one)} is named twice`);
          return [];
        }
        seen.add(one);
        return this.#toTarget(one, where);
      });
    }
    const message = `Expected the id of a step or a list of ids, received ${describeValue(value)}`;
    this.#reading.report.error(at, message);
    return NONE;
  }

  #toTarget(id: string, at: IssuePath): readonly Target[] {
    const { ids, report } = this.#reading;
    const position = ids.get(id);
    if (position === undefined) {
      if (checkName(id) !== undefined) report.error(at, "Expected the id of a step");
      else report.error(at, `Unknown step ${show(id)}`, didYouMean(id, ids.keys()));
      return NONE;
    }
    if (id === this.#own) {
      report.error(
        at,
        `Step ${show(id)} cannot lead to itself`,
        "use a step of type `loop` to repeat",
      );
      return NONE;
    }
    return [{ id, position, at }];
  }
}

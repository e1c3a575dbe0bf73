// Writes metrics in Prometheus' text format 0.0.4.

/** One value of a family; labels are ours, so they need no escaping. */
export interface Sample {
  readonly labels?: string;
  readonly value: number;
}

export interface Distribution {
  readonly labels?: string;
  /** Upper bounds in seconds, ascending. */
  readonly bounds: readonly number[];
  /** One more than bounds; not cumulative. */
  readonly counts: readonly number[];
  readonly sum: number;
}

export const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

export const counter = (name: string, help: string, ...samples: readonly Sample[]): string =>
  family(
    name,
    "counter",
    help,
    samples.map((it) => line(name, it.labels, it.value)),
  );

export const gauge = (name: string, help: string, ...samples: readonly Sample[]): string =>
  family(
    name,
    "gauge",
    help,
    samples.map((it) => line(name, it.labels, it.value)),
  );

export function histogram(
  name: string,
  help: string,
  ...distributions: readonly Distribution[]
): string {
  return family(
    name,
    "histogram",
    help,
    distributions.flatMap((it) => toLines(name, it)),
  );
}

function toLines(name: string, { labels, bounds, counts, sum }: Distribution): readonly string[] {
  const prefix = labels === undefined ? "" : `${labels},`;
  let count = 0;
  const lines = counts.map((one, at) => {
    count += one;
    return line(`${name}_bucket`, `${prefix}le="${bounds[at] ?? "+Inf"}"`, count);
  });
  return [...lines, line(`${name}_sum`, labels, sum), line(`${name}_count`, labels, count)];
}

const family = (name: string, type: string, help: string, lines: readonly string[]): string =>
  `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;

const line = (name: string, labels: string | undefined, value: number): string =>
  labels === undefined ? `${name} ${value}\n` : `${name}{${labels}} ${value}\n`;

export interface Point {
  readonly atMs: number;
  readonly value: number;
}

export interface LineFit {
  /** Of the values. */
  readonly mean: number;
  /** How much the line rises from the first point to the last. */
  readonly rise: number;
}

/** Least squares. Of fewer than two points nothing rises. */
export function fitLine(points: readonly Point[]): LineFit {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined) return { mean: 0, rise: 0 };
  const meanAt = meanOf(points.map(({ atMs }) => atMs));
  const mean = meanOf(points.map(({ value }) => value));
  let [products, squares] = [0, 0];
  for (const { atMs, value } of points) {
    products += (atMs - meanAt) * (value - mean);
    squares += (atMs - meanAt) ** 2;
  }
  const slope = squares === 0 ? 0 : products / squares;
  return { mean, rise: slope * (last.atMs - first.atMs) };
}

const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** What was approved is ordered; `total` is what was approved. */
export function placePurchase({ lines, total }: { lines: readonly unknown[]; total: number }) {
  return { placed: lines.length, total };
}

/** `Process Customer Order` → `process-customer-order`: how people address a workflow. Never empty. */
export function slugOf(name: string): string {
  const words = name
    .normalize("NFKD")
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, 80)
    .replaceAll(/^-+|-+$/g, "");
  return words === "" ? "workflow" : words;
}

/** `Process Customer Order` → `process-customer-order`: how people address a workflow. Never empty. */
export function slugOf(name: string): string {
  const words = name
    .normalize("NFKD")
    // Accents stand behind their letters now.
    .replaceAll(/\p{M}+/gu, "")
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, 80)
    .replaceAll(/^-+|-+$/g, "");
  return words === "" ? "workflow" : words;
}

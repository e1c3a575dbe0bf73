// Reads the form encoding that Stripe takes: `metadata[source]=api`, `expand[0]=customer`.

export type FormValue = string | readonly FormValue[] | Form;
/** Without a prototype, so that every key is a key. */
export type Form = { readonly [key: string]: FormValue };

type Draft = { [key: string]: string | Draft };

const DEEPEST = 10;

/** @returns null: it cannot be read */
export function parseForm(text: string): Form | null {
  const root: Draft = newDraft();
  for (const [key, value] of new URLSearchParams(text)) {
    const path = toPath(key);
    if (path === null || !place(root, path, value)) return null;
  }
  return toForm(root);
}

const newDraft = (): Draft => Object.create(null) as Draft;

function toPath(key: string): readonly string[] | null {
  const [, first = "", rest = ""] = /^([^[\]]+)((?:\[[^[\]]*\])*)$/.exec(key) ?? [];
  const path = [first, ...Array.from(rest.matchAll(/\[([^[\]]*)\]/g), ([, part = ""]) => part)];
  return first === "" || path.length > DEEPEST ? null : path;
}

function place(root: Draft, path: readonly string[], value: string): boolean {
  let at = root;
  for (const [depth, part] of path.entries()) {
    // `expand[]`: the next one.
    const key = part === "" ? String(Object.keys(at).length) : part;
    const there = at[key];
    if (depth === path.length - 1) {
      if (typeof there === "object") return false;
      at[key] = value;
      return true;
    }
    if (typeof there === "string") return false;
    const next = there ?? newDraft();
    at[key] = next;
    at = next;
  }
  return true;
}

function toForm(draft: Draft): Form {
  const form = Object.create(null) as { [key: string]: FormValue };
  for (const [key, value] of Object.entries(draft)) form[key] = toValue(value);
  return form;
}

function toValue(value: string | Draft): FormValue {
  if (typeof value === "string") return value;
  const keys = Object.keys(value);
  const isList = keys.length > 0 && keys.every((key, at) => key === String(at));
  return isList ? keys.map((key) => toValue(value[key] ?? "")) : toForm(value);
}

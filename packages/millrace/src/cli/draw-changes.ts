// Changes for people: a line each, with its path first. Long values are cut; `--json` has them whole.
import type { JsonValue } from "@millrace/protocol";
import { cut } from "./columns.ts";
import { plain, type Color, type Style } from "./io.ts";
import type { Change } from "./json-diff.ts";

const MARKS: Readonly<Record<Change["kind"], readonly [mark: string, color: Color]>> = {
  added: ["+", "green"],
  removed: ["-", "red"],
  changed: ["~", "yellow"],
  moved: ["~", "yellow"],
};

const INDENT = "    ";

export function drawChanges(changes: readonly Change[], style: Style): readonly string[] {
  return changes.flatMap((change) => {
    const [mark, color] = MARKS[change.kind];
    const path = plain(change.path) || "(all of it)";
    const line = `${mark} ${path}${change.kind === "moved" ? ": order" : ""}`;
    const head = style.paint(color, cut(line, style.columns));
    return [head, ...drawSides(change, style)];
  });
}

function drawSides(change: Change, style: Style): readonly string[] {
  const side = (mark: string, color: Color, text: string): string =>
    style.paint(color, cut(`${INDENT}${mark} ${plain(text)}`, style.columns));
  switch (change.kind) {
    case "added":
      return [side("+", "green", toText(change.after))];
    case "removed":
      return [side("-", "red", toText(change.before))];
    case "changed":
      return [side("-", "red", toText(change.before)), side("+", "green", toText(change.after))];
    case "moved":
      return [
        side("-", "red", change.before.join(", ")),
        side("+", "green", change.after.join(", ")),
      ];
  }
}

const toText = (value: JsonValue): string => JSON.stringify(value);

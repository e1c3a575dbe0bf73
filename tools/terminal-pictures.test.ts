// The pictures of README against what the command says.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readPage } from "./testkit/read-docs.ts";
import { COLUMNS, maskLines, takePictures } from "./terminal-pictures.ts";
import { drawPicture, readPicture, toLines } from "./terminal-svg.ts";
import { ROOT } from "./workspace.ts";

const read = (file: string): string => readFileSync(join(ROOT, file), "utf8");
const FILES = ["docs/images/start.svg", "docs/images/runs.svg"];

describe("the pictures of the terminal", () => {
  test("show what the command says; `npm run pictures` draws them", async () => {
    const pictures = await takePictures();
    expect(Object.keys(pictures)).toEqual(FILES);
    for (const [file, fresh] of Object.entries(pictures)) {
      const { title, words, lines } = readPicture(read(file));
      expect([title, words]).toEqual([fresh.title, fresh.words]);
      expect(maskLines(lines)).toEqual(maskLines(fresh.lines));
    }
  });

  test.each(FILES)("are as they are drawn today: %s", (file) => {
    const svg = read(file);
    expect(drawPicture(readPicture(svg), COLUMNS)).toBe(svg);
  });

  test.each(FILES)("load nothing, run nothing and name no machine: %s", (file) => {
    const svg = read(file);
    expect(svg.match(/<(script|image|use|foreignObject|a|animate)\b/gi)).toBeNull();
    expect(svg.match(/ (href|on[a-z]+)=|@import|url\(/gi)).toBeNull();
    expect(svg).not.toContain(ROOT);
    expect(svg).not.toContain("millrace-planted");
  });

  test.each(FILES)("are shown by README with words in their place: %s", (file) => {
    const [, words = ""] =
      new RegExp(`!\\[([^\\]]+)\\]\\(${file}\\)`).exec(readPage("README.md").text) ?? [];
    expect(words.length).toBeGreaterThan(40);
  });
});

describe("toLines", () => {
  test("gives each part its column and its look", () => {
    const text = "\u001b[1mA\u001b[22m  b\n\u001b[2m\u001b[31mc\u001b[39m d\u001b[22m\n";
    expect(toLines(text, 80)).toEqual([
      [
        { column: 0, text: "A", color: null, weight: "bold" },
        { column: 3, text: "b", color: null, weight: null },
      ],
      [
        { column: 0, text: "c", color: "red", weight: "dim" },
        { column: 2, text: "d", color: null, weight: "dim" },
      ],
    ]);
  });

  test("wraps what is wider than the terminal, and takes back what was erased", () => {
    const texts = (text: string): unknown =>
      toLines(text, 3).map((line) => line.map((part) => part.text));
    expect(texts("abcde\n\nf")).toEqual([["abc"], ["de"], [], ["f"]]);
    expect(texts("abc\r\u001b[Kx")).toEqual([["x"]]);
  });

  test("refuses a code that it does not draw", () => {
    expect(() => toLines("\u001b[45mx", 80)).toThrow('knows no "\\u001b[45m"');
    expect(() => toLines("\u001b[2Jx", 80)).toThrow("knows no");
  });
});

describe("readPicture", () => {
  test("reads what was drawn", () => {
    const lines = toLines("\u001b[32m<&\"'>\u001b[39m  \u001b[1m&lt;\u001b[22m\n\n…", 20);
    const picture = { title: "a & b", words: 'says "it"', lines };
    expect(readPicture(drawPicture(picture, 20))).toEqual(picture);
  });
});

// Links between pages lead somewhere, and files that pages name are there.
import { existsSync, globSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, test } from "vitest";
import { readPage, readPages, type Page } from "./testkit/read-docs.ts";
import { ROOT } from "./workspace.ts";

const PAGES = readPages();

/** Without fenced blocks: what stands in them is no link. */
const proseOf = ({ text }: Page): string => text.replaceAll(/^```[^]*?^```/gm, "");

/** As GitHub makes them from headings. */
const anchorsOf = (page: Page): readonly string[] =>
  Array.from(proseOf(page).matchAll(/^#+ (.+)$/gm), ([, title = ""]) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} -]/gu, "")
      .replaceAll(" ", "-"),
  );

function problemOf(page: Page, target: string): string | null {
  const [path = "", anchor] = target.split("#");
  const file = path === "" ? page.path : normalize(join(dirname(page.path), path));
  if (!existsSync(join(ROOT, file))) return `${page.path}: ${target} is not there`;
  if (anchor === undefined || anchorsOf(readPage(file)).includes(anchor)) return null;
  return `${page.path}: ${target} has no such heading`;
}

/** `storage/storage.ts`, `start.suite.ts`: named in code marks, by the end of their path. */
function missingFiles(page: Page, files: readonly string[]): readonly string[] {
  const named = Array.from(proseOf(page).matchAll(/`([\w./-]+\.(?:ts|js|sql))`/g), ([, it]) => it);
  return named.flatMap((name) => {
    const isThere = files.some((file) => `/${file}`.endsWith(`/${name ?? ""}`));
    return isThere || isAnExample(name ?? "") ? [] : [`${page.path}: there is no ${name ?? ""}`];
  });
}

/** Files that readers make themselves. */
const isAnExample = (name: string): boolean => name.startsWith("functions/");

describe("the pages", () => {
  test("link to pages and headings that are there", () => {
    const problems = PAGES.flatMap((page) =>
      Array.from(proseOf(page).matchAll(/\]\(([^)\s]+)\)/g), ([, target = ""]) => target)
        .filter((target) => !/^[a-z]+:/.test(target))
        .flatMap((target) => problemOf(page, target) ?? []),
    );
    expect(problems).toEqual([]);
  });

  test("name source files that are there", () => {
    const files = globSync(["{packages,tools,e2e,bench,examples,deploy}/**/*.{ts,js,sql}"], {
      cwd: ROOT,
      exclude: (path) => /node_modules|dist$/.test(path),
    });
    expect(files.length).toBeGreaterThan(100);
    const pages = PAGES.filter(({ path }) => path.startsWith("docs/"));
    expect(pages.flatMap((page) => missingFiles(page, files))).toEqual([]);
  });

  test("are all linked from another page", () => {
    const targets = PAGES.flatMap((page) =>
      Array.from(proseOf(page).matchAll(/\]\(([^)#\s]+)[^)]*\)/g), ([, target = ""]) =>
        normalize(join(dirname(page.path), target)),
      ),
    );
    // README links the folder of decisions as a whole.
    const known = new Set(["README.md", "CONTRIBUTING.md", ...targets]);
    const lonely = PAGES.map(({ path }) => path).filter(
      (path) => !known.has(path) && !path.includes("decisions/"),
    );
    expect(lonely).toEqual([]);
  });

  test("name the words of the glossary in order", () => {
    const { text } = readPage("docs/glossary.md");
    const words = Array.from(text.matchAll(/^\*\*(.+?)\*\*:/gm), ([, word = ""]) => word);
    expect(words.length).toBeGreaterThan(50);
    expect(words).toEqual(words.toSorted((a, b) => a.localeCompare(b, "en")));
  });
});

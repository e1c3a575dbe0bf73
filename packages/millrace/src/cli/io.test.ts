import { describe, expect, test } from "vitest";
import { plain, withoutColors } from "./io.ts";

describe("withoutColors", () => {
  test("leaves the words, and the lines as they are", () => {
    expect(withoutColors("\u001b[31mNo such run.\u001b[39m\n  \u001b[1;2mLook\u001b[0m\n")).toBe(
      "No such run.\n  Look\n",
    );
  });
});

describe("plain", () => {
  test("makes one line of what has more, whatever ends its lines", () => {
    expect(plain("a\nb\r\nc\u0085d\u2028e\u2029f\tg")).toBe("a b c d e f g");
  });

  test("lets no character through that moves the cursor", () => {
    expect(plain("\u001b[2Ja\u009b2Jb\u009d0;x\u009c\u007f")).toBe(" [2Ja 2Jb 0;x ");
  });

  test.for("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069".split(""))(
    "takes out %j, which turns the order of what is shown",
    (mark) => {
      expect(plain(`in${mark}gnp.exe`)).toBe("ingnp.exe");
    },
  );

  test("leaves letters of every script and joined emoji alone", () => {
    const text = "Zoë 日本語 שלום عربى 👩‍👩‍👧 ✔";
    expect(plain(text)).toBe(text);
  });
});

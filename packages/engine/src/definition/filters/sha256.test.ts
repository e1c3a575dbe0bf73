import { createHash, createHmac } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hmacSha256, sha256 } from "./sha256.ts";

describe("sha256", () => {
  // FIPS 180-4's examples, of NIST's page of example values.
  test.each([
    ["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
    ["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
    [
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    ],
    ["a".repeat(1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"],
  ])("hashes the standard's example %#", (text, hash) => {
    expect(sha256(text)).toBe(hash);
  });

  test("hashes as Node does, around the length of every block", () => {
    for (let length = 50; length < 140; length++) {
      const text = "ä".repeat(length / 2) + "b".repeat(length % 2);
      expect(sha256(text)).toBe(createHash("sha256").update(text).digest("hex"));
    }
  });
});

describe("hmacSha256", () => {
  // RFC 4231, case 2.
  test.each([
    [
      "what do ya want for nothing?",
      "Jefe",
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ],
  ])("signs %s", (text, key, signature) => {
    expect(hmacSha256(text, key)).toBe(signature);
  });

  test("signs as Node does, whatever text and key", () => {
    const text = fc.string({ unit: "grapheme", maxLength: 200 });
    fc.assert(
      fc.property(text, text, (message, key) => {
        const signature = createHmac("sha256", key).update(message).digest("hex");
        expect(hmacSha256(message, key)).toBe(signature);
      }),
    );
  });
});

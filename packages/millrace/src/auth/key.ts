// A key is `mr_`, 12 characters of id, `_`, 32 of secret, in letters and digits: the secret has 190 random bits, so
// a plain SHA-256 of the whole is enough to store, and scanners of leaked secrets can find it by its shape.
import { hash, randomBytes, timingSafeEqual } from "node:crypto";

const LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const ID_LENGTH = 12;
const SECRET_LENGTH = 32;
const KEY = /^mr_([0-9A-Za-z]{12})_[0-9A-Za-z]{32}$/;
/** Finds keys in any text, so that logs can hide them. */
const KEY_ANYWHERE = /(mr_[0-9A-Za-z]{12})_[0-9A-Za-z]{32}/g;

/** @param id of the key that gets a new secret; default: a new one */
export function newKey(id: string = drawLetters(ID_LENGTH)): string {
  return `mr_${id}_${drawLetters(SECRET_LENGTH)}`;
}

/** The id inside a key; undefined: it has not the shape of one. */
export const parseKeyId = (key: string): string | undefined => KEY.exec(key)?.[1];

/** SHA-256 of the whole key. */
export const digestOf = (key: string): Buffer => hash("sha256", key, "buffer");

/** Takes the same time whatever differs. */
export const isSameDigest = (a: Buffer, b: Buffer): boolean =>
  a.length === b.length && timingSafeEqual(a, b);

/** The text with the secret part of every key replaced. */
export const hideKeys = (text: string): string =>
  text.includes("mr_") ? text.replace(KEY_ANYWHERE, "$1_[hidden]") : text;

/** Without bias: bytes beyond the last whole multiple of 62 are drawn again. */
function drawLetters(count: number): string {
  const usable = 256 - (256 % LETTERS.length);
  let text = "";
  while (text.length < count) {
    for (const byte of randomBytes(count)) {
      if (byte < usable && text.length < count) text += LETTERS.charAt(byte % LETTERS.length);
    }
  }
  return text;
}

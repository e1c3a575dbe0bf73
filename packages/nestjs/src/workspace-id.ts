import { createHash } from "node:crypto";

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH = 26;

/** `wsp_` and 26 characters: the same for each run of this workspace and user. */
export function toWorkspaceId(workspace: string, userId: string): string {
  const digest = createHash("sha256")
    .update(JSON.stringify([workspace, userId]))
    .digest();
  const letters = Array.from(digest.subarray(0, LENGTH), (byte) => ALPHABET.charAt(byte & 31));
  return `wsp_${letters.join("")}`;
}

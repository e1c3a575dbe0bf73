import { Refusal } from "./refusal.ts";

/**
 * Ports that no web server uses and whose protocols can be spoken through a crafted request (mail, IRC, …).
 * Source: "bad port" of the Fetch standard, 2026-11.
 */
const BAD_PORTS: ReadonlySet<number> = new Set([
  0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102,
  103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465,
  512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993,
  995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668,
  6669, 6679, 6697, 10_080,
]);

/**
 * What can be known of a URL without asking for its addresses.
 *
 * @throws {Refusal} which never quotes the URL
 */
export function checkUrl(url: URL): void {
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new Refusal(`${url.protocol} is not possible, only http: and https: are`);
  }
  if (url.username !== "" || url.password !== "") {
    throw new Refusal("its URL has a user name or password in it; send them as a header instead");
  }
  if (url.port !== "" && BAD_PORTS.has(Number(url.port))) {
    throw new Refusal(`the port ${url.port} belongs to another protocol than HTTP`);
  }
}

/** How a URL is named to readers: host and port. A URL without a host has only its scheme. */
export const nameOf = (url: URL): string => (url.host === "" ? `a ${url.protocol} URL` : url.host);

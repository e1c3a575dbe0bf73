import { lookup } from "node:dns/promises";

/** Whether a server that listens on `host` can be reached from this machine only. */
export async function isLoopbackHost(host: string): Promise<boolean> {
  if (host === "") return false;
  // A name may stand for several addresses; each of them counts.
  const addresses = await lookup(host, { all: true }).catch(() => []);
  return addresses.length > 0 && addresses.every(({ address }) => isLoopbackAddress(address));
}

const isLoopbackAddress = (address: string): boolean =>
  address === "::1" || /^(::ffff:)?127(\.\d{1,3}){3}$/i.test(address);

// Resolves a name and judges every address of it, before anybody connects to one.
import { parseAddress } from "./address.ts";
import type { Target } from "./allow-list.ts";
import type { Policy } from "./policy.ts";
import { Refusal } from "./refusal.ts";

/** All addresses of a name, in the order in which to try them. Rejects or gives none if there are none. */
export type Lookup = (host: string) => Promise<readonly string[]>;

export interface PinnedAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

type PinnedAddresses = readonly [PinnedAddress, ...PinnedAddress[]];

export interface Pinning {
  readonly policy: Policy;
  readonly lookup: Lookup;
}

/** @throws {Refusal} if the policy refuses one of them */
export async function pin(target: Target, by: Pinning): Promise<PinnedAddresses> {
  const isLiteral = parseAddress(target.host) !== undefined;
  const found = isLiteral ? [target.host] : await by.lookup(target.host);
  const [first, ...others] = found;
  if (first === undefined) throw new NoAddressError(target.host);
  return [pinOne(target, first, by.policy), ...others.map((it) => pinOne(target, it, by.policy))];
}

function pinOne(target: Target, text: string, policy: Policy): PinnedAddress {
  const why = policy.refuse(target, text);
  const address = parseAddress(text);
  if (why !== null || address === undefined) throw new Refusal(why ?? "its address is not one");
  // What was judged, not what was found: no second reader may understand the text differently.
  return { address: address.toString(), family: address.kind() === "ipv4" ? 4 : 6 };
}

class NoAddressError extends Error {
  readonly code = "ENOTFOUND";

  constructor(host: string) {
    super(`${host} has no address`);
    this.name = "NoAddressError";
  }
}

// What an IP address leads to. Everything that is not plainly an address of the public internet has a name here.
import ipaddr from "ipaddr.js";

/** An address without its disguise: IPv4 inside IPv6 is IPv4. */
export type PlainAddress = ipaddr.IPv4 | ipaddr.IPv6;

/**
 * - `metadata`: where clouds hand out credentials to the machine that asks;
 * - `special`: multicast, broadcast, unspecified, documentation, tunnels and whatever else is reserved.
 */
export type AddressKind = "public" | "loopback" | "private" | "link-local" | "metadata" | "special";

/** Of AWS, Azure, Google Cloud and Alibaba Cloud. Some look public or merely private. */
const METADATA: ReadonlySet<string> = new Set([
  "169.254.169.254",
  "169.254.170.2",
  "168.63.129.16",
  "100.100.100.200",
  "fd00:ec2::254",
  "fd20:ce::254",
]);

/** All that was ever given out for the public internet. What lies outside of it is refused, named or not. */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR("2000::/3");
/** NAT64 by RFC 6052: the last 32 bits are an IPv4 address. The usual way out of networks without IPv4. */
const NAT64 = ipaddr.IPv6.parseCIDR("64:ff9b::/96");

/** Only the usual spellings: `0x7f.1` is undefined here, and a URL has normalised it before. Zones are, too. */
export function parseAddress(text: string): PlainAddress | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text);
  if (!ipaddr.IPv6.isValid(text) || text.includes("%")) return undefined;
  const address = ipaddr.IPv6.parse(text);
  return address.isIPv4MappedAddress() ? address.toIPv4Address() : address;
}

export function kindOf(address: PlainAddress): AddressKind {
  if (METADATA.has(address.toString())) return "metadata";
  const range = address.range();
  switch (range) {
    case "loopback":
      return "loopback";
    case "private":
    case "carrierGradeNat":
    case "uniqueLocal":
      return "private";
    case "linkLocal":
      return "link-local";
    case "unicast":
      return isIpv6(address) && !address.match(GLOBAL_UNICAST) ? "special" : "public";
    default:
      return isIpv6(address) && address.match(NAT64) ? kindOfTranslated(address) : "special";
  }
}

/** Whatever is behind the translator, it is not this machine; so nothing but public ones may be asked for. */
function kindOfTranslated(address: ipaddr.IPv6): AddressKind {
  const inner = ipaddr.fromByteArray(address.toByteArray().slice(-4));
  return kindOf(inner) === "public" ? "public" : "special";
}

const isIpv6 = (address: PlainAddress): address is ipaddr.IPv6 => address.kind() === "ipv6";

/** A range of addresses of one family, such as `10.0.0.0/8`. */
export interface AddressRange {
  has(address: PlainAddress): boolean;
}

/** @returns undefined: it is no range, or one of IPv4 inside IPv6, which no plain address can match */
export function parseRange(text: string): AddressRange | undefined {
  if (!ipaddr.isValidCIDR(text)) return undefined;
  const [network, bits] = ipaddr.parseCIDR(text);
  if (isIpv6(network) && network.isIPv4MappedAddress()) return undefined;
  return { has: (it) => it.kind() === network.kind() && it.match(network, bits) };
}

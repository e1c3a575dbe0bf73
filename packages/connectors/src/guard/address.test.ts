import { describe, expect, test } from "vitest";
import { kindOf, parseAddress, type AddressKind } from "./address.ts";

const kindOfText = (text: string): AddressKind | undefined => {
  const address = parseAddress(text);
  return address === undefined ? undefined : kindOf(address);
};

describe("an address", () => {
  test.for<[kind: AddressKind, ...addresses: string[]]>([
    ["public", "8.8.8.8", "1.1.1.1", "100.63.255.255", "172.32.0.1", "2606:4700::1111"],
    ["loopback", "127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1", "::ffff:7f00:1"],
    ["private", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "::ffff:10.0.0.1"],
    ["private", "100.64.0.1", "100.127.255.255", "fc00::1", "fd12:3456::1"],
    ["link-local", "169.254.0.1", "fe80::1", "::ffff:169.254.1.1"],
    ["metadata", "169.254.169.254", "::ffff:a9fe:a9fe", "168.63.129.16", "100.100.100.200"],
    ["metadata", "fd00:ec2::254", "fd20:ce::254"],
    ["special", "0.0.0.0", "0.1.2.3", "255.255.255.255", "224.0.0.1", "240.0.0.1", "::", "ff02::1"],
    ["special", "192.0.2.1", "198.51.100.1", "203.0.113.1", "198.18.0.1", "192.0.0.192"],
    ["special", "2001:db8::1", "3fff::1", "100::1", "fec0::1", "5f00::1", "4000::1"],
  ])("of %s kind is told as such", ([kind, ...addresses]) => {
    for (const address of addresses) {
      expect([address, kindOfText(address)]).toEqual([address, kind]);
    }
  });

  test("inside a tunnel is not public, whatever it carries", () => {
    // 6to4, Teredo, IPv4-compatible, RFC 6145, NAT64 of a local prefix.
    for (const address of [
      "2002:7f00:1::",
      "2002:808:808::1",
      "2001::1",
      "::7f00:1",
      "::808:808",
      "::ffff:0:127.0.0.1",
      "64:ff9b:1::808:808",
    ]) {
      expect([address, kindOfText(address)]).toEqual([address, "special"]);
    }
  });

  test("behind NAT64 is as public as the one that it carries", () => {
    expect(kindOfText("64:ff9b::808:808")).toBe("public");
    for (const inner of ["7f00:1", "a00:1", "a9fe:a9fe", "c0a8:1"]) {
      expect([inner, kindOfText(`64:ff9b::${inner}`)]).toEqual([inner, "special"]);
    }
  });

  test("in an odd spelling or with a zone is none", () => {
    for (const text of [
      "0x7f.1",
      "2130706433",
      "127.1",
      "010.0.0.1",
      "1",
      "",
      "fe80::1%eth0",
      "x",
    ]) {
      expect([text, kindOfText(text)]).toEqual([text, undefined]);
    }
  });
});

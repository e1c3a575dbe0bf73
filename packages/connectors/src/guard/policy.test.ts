import { describe, expect, test } from "vitest";
import { parseAllowList } from "./allow-list.ts";
import { createPolicy, type Policy } from "./policy.ts";

interface PolicyOverrides {
  readonly mode?: "development" | "production";
  readonly allow?: readonly string[];
  readonly allowOnly?: boolean;
}

const policyWith = ({
  mode = "production",
  allow = [],
  allowOnly = false,
}: PolicyOverrides): Policy => createPolicy({ mode, allow: parseAllowList(allow), allowOnly });

const isOpen = (policy: Policy, host: string, address: string, port = 443): boolean =>
  policy.refuse({ host, port }, address) === null;

describe("a policy", () => {
  test("opens the public internet, and nothing else, in production", () => {
    const policy = policyWith({});
    expect(isOpen(policy, "api.example.com", "8.8.8.8")).toBe(true);
    for (const address of [
      "127.0.0.1",
      "10.0.0.1",
      "169.254.1.1",
      "169.254.169.254",
      "0.0.0.0",
      "x",
    ]) {
      expect([address, isOpen(policy, "api.example.com", address)]).toEqual([address, false]);
    }
  });

  test("opens this machine too, and nothing else, in development", () => {
    const policy = policyWith({ mode: "development" });
    for (const address of ["127.0.0.1", "127.8.8.8", "::1", "8.8.8.8"]) {
      expect([address, isOpen(policy, "localhost", address)]).toEqual([address, true]);
    }
    for (const address of ["10.0.0.1", "fd00::1", "169.254.169.254", "0.0.0.0", "::"]) {
      expect([address, isOpen(policy, "localhost", address)]).toEqual([address, false]);
    }
  });

  test("opens private addresses and this machine to a name on the allow-list, with its port", () => {
    const policy = policyWith({ allow: ["Billing.Internal", "api.internal:8443"] });
    expect(isOpen(policy, "billing.internal", "10.0.0.1", 9000)).toBe(true);
    expect(isOpen(policy, "billing.internal.", "127.0.0.1")).toBe(true);
    expect(isOpen(policy, "api.internal", "10.0.0.1", 8443)).toBe(true);
    expect(isOpen(policy, "api.internal", "10.0.0.1", 443)).toBe(false);
    expect(isOpen(policy, "x.billing.internal", "10.0.0.1")).toBe(false);
  });

  test("opens no metadata, link-local or reserved address to a name on the allow-list", () => {
    const policy = policyWith({ allow: ["billing.internal"] });
    for (const address of [
      "169.254.169.254",
      "fd00:ec2::254",
      "169.254.1.1",
      "0.0.0.0",
      "fe80::1",
    ]) {
      expect([address, isOpen(policy, "billing.internal", address)]).toEqual([address, false]);
    }
  });

  test("opens names below a wildcard at any depth, but not its own name or one that ends alike", () => {
    const policy = policyWith({ allow: ["*.example.com"] });
    expect(isOpen(policy, "a.example.com", "10.0.0.1")).toBe(true);
    expect(isOpen(policy, "a.b.example.com", "10.0.0.1")).toBe(true);
    expect(isOpen(policy, "example.com", "10.0.0.1")).toBe(false);
    expect(isOpen(policy, "badexample.com", "10.0.0.1")).toBe(false);
  });

  test("opens addresses and ranges on the allow-list, whatever they are and however they are written", () => {
    const policy = policyWith({
      allow: ["10.0.0.0/8", "169.254.169.254", "[fd00::7]:8080", "fd11::/16", "192.168.0.5:80"],
    });
    expect(isOpen(policy, "any.example.com", "10.255.0.1")).toBe(true);
    expect(isOpen(policy, "any.example.com", "::ffff:10.0.0.1")).toBe(true);
    expect(isOpen(policy, "any.example.com", "169.254.169.254")).toBe(true);
    expect(isOpen(policy, "any.example.com", "fd11:2::1")).toBe(true);
    expect(isOpen(policy, "any.example.com", "fd00:0::7", 8080)).toBe(true);
    expect(isOpen(policy, "any.example.com", "fd00::7", 80)).toBe(false);
    expect(isOpen(policy, "any.example.com", "192.168.0.5", 443)).toBe(false);
    expect(isOpen(policy, "any.example.com", "192.168.0.5", 80)).toBe(true);
    expect(isOpen(policy, "any.example.com", "11.0.0.1")).toBe(true);
    expect(isOpen(policy, "any.example.com", "192.168.0.6", 80)).toBe(false);
  });

  test("opens nothing but the allow-list if it is told so", () => {
    const policy = policyWith({
      mode: "development",
      allow: ["api.example.com", "10.0.0.0/8"],
      allowOnly: true,
    });
    expect(isOpen(policy, "api.example.com", "8.8.8.8")).toBe(true);
    expect(isOpen(policy, "other.example.com", "10.1.2.3")).toBe(true);
    expect(policy.refuse({ host: "other.example.com", port: 443 }, "8.8.8.8")).toBe(
      "it is not on the allow-list",
    );
    expect(isOpen(policy, "localhost", "127.0.0.1")).toBe(false);
  });

  test("never says which address it was", () => {
    const policy = policyWith({});
    for (const address of ["127.0.0.1", "10.1.2.3", "169.254.169.254", "fe80::1", "0.0.0.0"]) {
      expect(policy.refuse({ host: "api.example.com", port: 443 }, address)).not.toContain(address);
    }
  });
});

describe("an allow-list", () => {
  test.for([
    "",
    "*",
    "*.",
    "**.example.com",
    "a.*.com",
    "http://api.example.com",
    "api.example.com/x",
    "ada@example.com",
    "api.example.com:",
    "api.example.com:99999",
    "0x7f.1",
    "2130706433",
    "10.0.0.0/33",
    "::ffff:10.0.0.0/104",
    "[fd00::1",
    "[api.example.com]",
    "[cafe]",
    "a b",
    "fe80::1%eth0",
  ])("refuses %j", (entry) => {
    expect(() => parseAllowList(["api.example.com", entry])).toThrow(
      `The allow-list has ${JSON.stringify(entry)}`,
    );
  });

  test("reads names as URLs do", () => {
    const policy = policyWith({ allow: ["bücher.example.com"] });
    expect(isOpen(policy, "xn--bcher-kva.example.com", "10.0.0.1")).toBe(true);
  });
});

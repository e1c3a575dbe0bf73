import { kindOf, parseAddress, type AddressKind } from "./address.ts";
import type { AllowList, Target } from "./allow-list.ts";

/** Who may be called. */
export interface Policy {
  /** @returns why the target must not be reached at this address, as the end of a sentence; null: it may be */
  refuse(target: Target, address: string): string | null;
}

export interface PolicyOptions {
  readonly mode: "development" | "production";
  readonly allow: AllowList;
  /** Whether nothing but the allow-list may be reached. */
  readonly allowOnly: boolean;
}

/** They do not say the address itself: which names lead where inside is nobody's business. */
const REASONS: Readonly<Record<Exclude<AddressKind, "public">, string>> = {
  loopback: "its address is this machine's own",
  private: "its address is private",
  "link-local": "its address is link-local",
  metadata: "its address is a metadata service's",
  special: "its address is not one of the public internet",
};
const UNLISTED = "it is not on the allow-list";

export function createPolicy({ mode, allow, allowOnly }: PolicyOptions): Policy {
  return {
    refuse: (target, text) => {
      const address = parseAddress(text);
      if (address === undefined) return REASONS.special;
      const kind = kindOf(address);
      const opening = allow.find(target, address);
      if (opening === "address" || kind === "public") {
        return opening === null && allowOnly ? UNLISTED : null;
      }
      if (opening === "host") return mayBeNamed(kind) ? null : REASONS[kind];
      if (allowOnly) return UNLISTED;
      return kind === "loopback" && mode === "development" ? null : REASONS[kind];
    },
  };
}

const mayBeNamed = (kind: AddressKind): boolean => kind === "loopback" || kind === "private";

import type { Timestamp } from "@millrace/protocol";
import { WINDOW_SECONDS, type KeyWindows, type Quota, type QuotaRequest } from "../key-windows.ts";
import { placeOf, type Tables } from "./tables.ts";

/** Counts by second. */
type Window = Map<number, number>;

export function createMemoryKeyWindows({ nodes }: Tables, now: () => Timestamp): KeyWindows {
  const windows = new Map<string, Window>();
  return {
    take: (request) => {
      const window = findWindow(windows, request);
      return Promise.resolve(takeFrom(window, request, now(), Math.max(1, nodes.size)));
    },
  };
}

function findWindow(windows: Map<string, Window>, request: QuotaRequest): Window {
  const place = placeOf(request.tenant, request.key, request.category);
  const found = windows.get(place) ?? new Map<number, number>();
  windows.set(place, found);
  return found;
}

function takeFrom(window: Window, request: QuotaRequest, now: Timestamp, nodes: number): Quota {
  const present = Math.floor(now / 1000);
  // A second that is far ahead was counted before the clock was set right.
  if (Math.max(...window.keys()) >= present + WINDOW_SECONDS) window.clear();
  const second = Math.max(present, ...window.keys());
  for (const one of window.keys()) if (one <= second - WINDOW_SECONDS) window.delete(one);
  const given = window.get(request.second);
  if (given !== undefined) window.set(request.second, Math.max(0, given - request.unused));
  const before = window.values().reduce((sum, count) => sum + count, 0);
  const granted = Math.max(0, Math.min(request.wanted, request.limit - before));
  window.set(second, (window.get(second) ?? 0) + granted);
  const oldest = Math.min(second, ...window.keys().filter((one) => (window.get(one) ?? 0) > 0));
  return { granted, second, total: before + granted, oldest, now, nodes };
}

import { describe } from "vitest";
import { createOpenStorage, storageSuite } from "../suite/index.ts";
import { createMemoryStorage } from "./memory-storage.ts";

describe("memory storage", () => {
  storageSuite(
    createOpenStorage((now) => Promise.resolve({ storage: createMemoryStorage({ now }) })),
  );
});

export {
  createOpenStorage,
  type Harness,
  type NodeName,
  type OpenedStorage,
  type OpenStorage,
  type TestClock,
} from "./harness.ts";
export { storageSuite } from "./storage-suite.ts";
export { createTestFolder, type TestFolder } from "./test-folder.ts";

export {
  createOpenStorage,
  type Harness,
  type NodeName,
  type OpenedStorage,
  type OpenStorage,
  type TestClock,
} from "./harness.ts";
export { storageSuite } from "./storage-suite.ts";

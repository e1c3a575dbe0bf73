export { aFault } from "./a-fault.ts";
export { createOpenStorage, type Harness } from "./harness.ts";
export { storageSuite } from "./storage-suite.ts";
export { createTestFolder } from "./test-folder.ts";

// For Jest, which does not know how to read what Node reads by itself.
import { stripTypeScriptTypes } from "node:module";

export default {
  process: (text: string): { readonly code: string } => ({ code: stripTypeScriptTypes(text) }),
};

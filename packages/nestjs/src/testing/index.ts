export {
  overrideMillrace,
  type MillraceOverrides,
  type OverridableModule,
} from "./override-millrace.ts";

// Workers register functions too, so the types are in `protocol`.
export type { StepContext, StepFunction, StepFunctions } from "@millrace/protocol";

/** The options as the application gives them. */
export const MILLRACE_OPTIONS: unique symbol = Symbol.for("millrace.nestjs.options");
/** What a test puts in their place. */
export const MILLRACE_OVERRIDES: unique symbol = Symbol.for("millrace.nestjs.overrides");

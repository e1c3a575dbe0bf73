import { MillraceError, typeName, type ConnectableEngine } from "@millrace/protocol";
import type { EngineModuleOptions } from "../options.ts";
import { MILLRACE_OVERRIDES } from "../tokens.ts";

export interface MillraceOverrides extends Omit<EngineModuleOptions, "engine" | "stopsEngine"> {
  /** One that was started. It belongs to the test: the module neither starts nor stops it. */
  readonly engine: ConnectableEngine;
}

/** What `Test.createTestingModule` gives, of any major of Nest. */
export interface OverridableModule<Builder> {
  overrideProvider(token: symbol): { useValue(value: object): Builder };
}

/**
 * Lets a module under test run on this engine, whatever engine or server it names itself. `worker`, `workspaces`, `isUser`
 * and `userOf` are the module's own where they are not given here.
 *
 * ```ts
 * import { RunService, type ConnectableEngine } from "@millrace/nestjs";
 * import { overrideMillrace } from "@millrace/nestjs/testing";
 * import { Test } from "@nestjs/testing";
 *
 * async function open(AppModule: new () => object, engine: ConnectableEngine) {
 *   const builder = Test.createTestingModule({ imports: [AppModule] });
 *   const module = await overrideMillrace(builder, { engine }).compile();
 *   await module.init();
 *   return module.get(RunService);
 * }
 * ```
 *
 * @throws {MillraceError} option.invalid: there is no engine
 */
export function overrideMillrace<Builder>(
  builder: OverridableModule<Builder>,
  { engine, ...rest }: MillraceOverrides,
): Builder {
  // Callers without types give anything, and a variable that is not set yet.
  const given: unknown = engine;
  if (typeof given !== "object" || given === null || !("connect" in given)) {
    const message = `\`engine\` must be an engine that was started, such as createTestEngine() gives; received ${typeName(engine)}`;
    throw new MillraceError("option.invalid", message);
  }
  // Nothing else of it: what starts and stops is the test's, and may mean something else there.
  const connectable: ConnectableEngine = { connect: (namespace) => engine.connect(namespace) };
  return builder.overrideProvider(MILLRACE_OVERRIDES).useValue({ ...rest, engine: connectable });
}

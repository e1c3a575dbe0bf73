import {
  Module,
  Scope,
  type DynamicModule,
  type FactoryProvider,
  type ModuleMetadata,
  type Provider,
} from "@nestjs/common";
import { ModulesContainer, REQUEST } from "@nestjs/core";
import { MillraceClient } from "./millrace-client.ts";
import { MillraceHealthIndicator } from "./millrace-health-indicator.ts";
import { MillraceRuntime } from "./millrace-runtime.ts";
import type { MillraceOptions } from "./options.ts";
import { RunService } from "./run-service.ts";
import { MILLRACE_OPTIONS, MILLRACE_OVERRIDES } from "./tokens.ts";
import { UserRunService } from "./user-run-service.ts";

export interface MillraceAsyncOptions extends Pick<ModuleMetadata, "imports"> {
  readonly inject?: FactoryProvider["inject"];
  // As Nest declares it: whatever `inject` names comes in.
  readonly useFactory: (...args: never[]) => MillraceOptions | Promise<MillraceOptions>;
}

/** Import it once, in the root module; its services can then be injected everywhere. */
export class MillraceModule {
  static forRoot(options: MillraceOptions): DynamicModule {
    return toModule({ provide: MILLRACE_OPTIONS, useFactory: () => options }, []);
  }

  static forRootAsync({
    imports = [],
    inject = [],
    useFactory,
  }: MillraceAsyncOptions): DynamicModule {
    const provider = { provide: MILLRACE_OPTIONS, inject, useFactory };
    return toModule(provider as FactoryProvider, imports);
  }
}
Module({})(MillraceModule);

const SERVICES: readonly Provider[] = [
  { provide: MILLRACE_OVERRIDES, useValue: {} },
  {
    provide: MillraceRuntime,
    inject: [MILLRACE_OPTIONS, MILLRACE_OVERRIDES, ModulesContainer],
    useFactory: (options: MillraceOptions, overrides: object, modules: ModulesContainer) =>
      new MillraceRuntime(override(options, overrides), modules),
  },
  {
    provide: RunService,
    inject: [MillraceRuntime],
    useFactory: (runtime: MillraceRuntime) => new RunService(runtime),
  },
  {
    provide: UserRunService,
    scope: Scope.REQUEST,
    inject: [RunService, MillraceRuntime, REQUEST],
    useFactory: (runs: RunService, { options }: MillraceRuntime, request: unknown) =>
      new UserRunService(runs, options, request),
  },
  {
    provide: MillraceClient,
    inject: [MillraceRuntime],
    useFactory: ({ client }: MillraceRuntime) => client,
  },
  {
    provide: MillraceHealthIndicator,
    inject: [MillraceRuntime],
    useFactory: (runtime: MillraceRuntime) => new MillraceHealthIndicator(runtime),
  },
];

const toModule = (
  options: Provider,
  imports: NonNullable<ModuleMetadata["imports"]>,
): DynamicModule => ({
  module: MillraceModule,
  global: true,
  imports: [...imports],
  providers: [options, ...SERVICES],
  exports: [RunService, UserRunService, MillraceClient, MillraceHealthIndicator],
});

/** Another engine takes the place of the application's own, or of its server. */
function override(options: MillraceOptions, overrides: object): MillraceOptions {
  if (!("engine" in overrides)) return options;
  const { worker, workspaces, isUser, userOf } = options;
  const kept = { worker, workspaces, isUser, userOf };
  const given = Object.entries(kept).filter(([, value]) => value !== undefined);
  // What is not overridden is as it was, and what is has been typed where it was given.
  return { ...Object.fromEntries(given), ...overrides } as MillraceOptions;
}

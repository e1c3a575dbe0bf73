export { createApp, type App, type AppOptions, type RequestEnv } from "./app.ts";
export { listen, type Listener, type ListenOptions } from "./listen.ts";
export { createLog, LOG_LEVELS, type LogLevel, type LogOptions } from "./log.ts";
export type { Mode } from "./mode.ts";

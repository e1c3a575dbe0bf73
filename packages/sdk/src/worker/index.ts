export {
  createWorker,
  type EngineWorkerOptions,
  type HttpWorkerOptions,
  type TransportWorkerOptions,
  type WorkerOptions,
} from "./create-worker.ts";
export { type StopOptions, type Worker, type WorkerState, type WorkerStatus } from "./worker.ts";

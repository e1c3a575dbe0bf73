export {
  PLANTS,
  simulate,
  type Plant,
  type SimulationOptions,
  type SimulationReport,
} from "./simulation/simulate.ts";

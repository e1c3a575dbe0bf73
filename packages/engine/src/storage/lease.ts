/**
 * How long a node lives without a heartbeat (ms). An idle node beats twice in that time, so an idle cluster of four
 * asks less than one statement a second, and a killed node's runs still move again within ten seconds. Longer: slower
 * recovery; shorter: nodes that only paused die.
 */
export const DEFAULT_LEASE_MS = 8_500;

/**
 * How long a node lives without a heartbeat (ms). Six seconds leave a busy machine several beats to
 * miss, and a killed node's runs still move again within ten. Longer: slower recovery; shorter:
 * nodes that only paused die.
 */
export const DEFAULT_LEASE_MS = 6000;

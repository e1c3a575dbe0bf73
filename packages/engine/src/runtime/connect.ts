// The engine as clients and workers in this process reach it.
import {
  DEFAULT_TENANT,
  MillraceError,
  type EngineTransport,
  type TenantId,
} from "@millrace/protocol";
import { createClientTransport } from "./client-transport.ts";
import type { Engine } from "./commands.ts";
import type { Workers } from "./worker-transport.ts";

export function connectEngine(
  engine: Engine,
  workers: Workers,
  namespace: string | undefined,
): EngineTransport {
  const findTenant = async (): Promise<TenantId> => {
    if (namespace === undefined || namespace === DEFAULT_TENANT) return DEFAULT_TENANT;
    const tenant = await engine.tenants.find(namespace);
    if (tenant !== null) return tenant;
    throw new MillraceError("tenant.not-found", `There is no tenant "${namespace}"`);
  };
  return {
    client: createClientTransport(engine, namespace ?? DEFAULT_TENANT),
    worker: {
      attach: async (offer, receive, onLost) =>
        workers.connect(await findTenant()).attach(offer, receive, onLost),
    },
  };
}

// The drawing of the layers as a table: what may import what. Arrows only go down; `check-layers.ts` reads it.
// A folder or package that is not drawn here is a finding, so a new one begins with a line in this file.

/** A folder or file below a package's `src`, and what it may import. The longest path that fits a file counts. */
export interface Layer {
  /** Below `src`; a file with its ending, a folder without a slash, "" for all the rest. */
  readonly path: string;
  /** Layers of the same package, by path. A layer may always import itself. */
  readonly imports: readonly string[];
  /** Whether it takes clock, chance and input as values, and so may import nothing of Node. */
  readonly isPure?: boolean;
  /** Entries of our own packages that this layer may not name, though its package may. */
  readonly avoids?: readonly string[];
}

export interface PackageDrawing {
  /** Our own packages that it may import. */
  readonly packages: readonly string[];
  readonly layers: readonly Layer[];
}

const PURE = ["core", "definition", "steps"];
const SERVICES = [...PURE, "storage"];
const DATABASES = ["@millrace/engine/sqlite", "@millrace/engine/postgres"];
const TEST_KIT = "@millrace/engine/testing";

export const DRAWING: Readonly<Record<string, PackageDrawing>> = {
  "@millrace/protocol": { packages: [], layers: [{ path: "", imports: [], isPure: true }] },
  "@millrace/engine": {
    packages: ["@millrace/protocol"],
    layers: [
      { path: "core", imports: [], isPure: true },
      { path: "definition", imports: ["core"], isPure: true },
      { path: "steps", imports: ["core", "definition"], isPure: true },
      { path: "storage", imports: ["core"] },
      { path: "storage/suite", imports: ["core", "storage"] },
      { path: "storage/sqlite", imports: ["core", "storage"] },
      { path: "storage/postgres", imports: ["core", "storage"] },
      { path: "triggers", imports: SERVICES },
      { path: "runtime", imports: SERVICES },
      { path: "engine.ts", imports: [...SERVICES, "runtime", "triggers"] },
      { path: "simulation", imports: [...SERVICES, "runtime", "triggers", "engine.ts"] },
      // Worlds and values for tests; not published.
      {
        path: "testkit",
        imports: [...SERVICES, "storage/postgres", "storage/suite", "runtime", "simulation"],
      },
      { path: "index.ts", imports: [...SERVICES, "runtime", "triggers", "engine.ts"] },
      { path: "sqlite.ts", imports: ["storage/sqlite"] },
      { path: "postgres.ts", imports: ["storage/postgres"] },
      { path: "testing.ts", imports: ["runtime", "simulation", "storage/suite"] },
    ],
  },
  "@millrace/sdk": {
    packages: ["@millrace/protocol"],
    layers: [
      // The client runs in browsers, so it stands alone.
      { path: "client", imports: [], isPure: true },
      { path: "durable", imports: [] },
      // Replays journals without an engine.
      { path: "check", imports: ["durable"] },
      // It shares how requests are sent with the client.
      { path: "worker", imports: ["client", "durable"] },
      { path: "", imports: ["client", "durable", "worker"] },
    ],
  },
  "@millrace/connectors": { packages: ["@millrace/protocol"], layers: [{ path: "", imports: [] }] },
  "@millrace/nestjs": {
    packages: ["@millrace/protocol", "@millrace/sdk"],
    layers: [{ path: "", imports: [] }],
  },
  "@millrace/business-as-code": {
    packages: ["@millrace/protocol", "@millrace/sdk"],
    layers: [{ path: "", imports: [] }],
  },
  millrace: {
    packages: ["@millrace/protocol", "@millrace/engine", "@millrace/connectors", "@millrace/sdk"],
    layers: [
      // What doors share: routes as data, the shapes of answers, logs.
      { path: "", imports: ["auth"], avoids: [...DATABASES, TEST_KIT] },
      { path: "auth", imports: [""], avoids: [...DATABASES, TEST_KIT] },
      { path: "doors", imports: ["", "auth"], avoids: [...DATABASES, TEST_KIT] },
      { path: "app.ts", imports: ["", "auth", "doors"], avoids: [...DATABASES, TEST_KIT] },
      { path: "listen.ts", imports: ["", "app.ts"], avoids: [...DATABASES, TEST_KIT] },
      { path: "index.ts", imports: ["", "auth", "doors", "app.ts", "listen.ts"] },
      // From settings to connectors.
      { path: "connectors", imports: [""], avoids: [...DATABASES, TEST_KIT] },
      // Users' functions and workflows, in this process or in children.
      { path: "code", imports: [""], avoids: [...DATABASES, TEST_KIT] },
      {
        path: "cli",
        imports: ["", "auth", "code", "connectors", "doors", "app.ts", "listen.ts"],
        avoids: [TEST_KIT],
      },
      // The time kit, for tests of users: an engine, a client and a host, and no server.
      { path: "testing", imports: [], avoids: DATABASES },
    ],
  },
};

/** Modules that can open a port. Their types are free; their values belong to the one file that listens. */
export const PORT_MODULES: readonly string[] = [
  "@hono/node-server",
  "node:dgram",
  "node:http",
  "node:http2",
  "node:https",
  "node:net",
  "node:tls",
];
/** The one that opens ports of the product: package and file that may import the values of `PORT_MODULES`. */
export const PORT_OPENER = { name: "millrace", path: "listen.ts" } as const;
/** Servers for tests; not published. */
export const TEST_PORT_OPENER = { name: "@millrace/engine", path: "testkit/postgres" } as const;

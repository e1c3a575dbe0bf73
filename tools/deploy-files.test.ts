// What can be known of `deploy/` without a container: that it can be read, that what it names is there, and that the
// server knows the settings it is given. `npm run verify -- build packed` runs the server as the image does.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, globSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { listen } from "millrace";
import { describe, expect, test } from "vitest";
import { readSettings } from "../packages/millrace/src/cli/settings.ts";
import { readImageEnv } from "./read-only-install.ts";
import { openTestServer } from "./testkit/open-test-server.ts";
import { readPackages, ROOT } from "./workspace.ts";

const read = (name: string): string => readFileSync(join(ROOT, "deploy", name), "utf8");
const CONTAINERFILE = read("Containerfile");
const BIN = "node_modules/millrace/bin/millrace.js";

interface Service {
  readonly image: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly read_only?: boolean;
  readonly environment: Readonly<Record<string, string>>;
  readonly depends_on?: Readonly<Record<string, unknown>>;
  readonly volumes?: readonly string[];
  readonly healthcheck?: unknown;
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

interface Container {
  readonly env: readonly { readonly name: string }[];
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly volumeMounts: readonly unknown[];
}

interface Workload {
  readonly kind: string;
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly containers: readonly Container[];
        readonly securityContext: object;
      };
    };
  };
}

interface Yaml {
  parse(text: string, options?: { readonly merge: boolean }): unknown;
  parseAllDocuments(
    text: string,
  ): readonly { toJS(): unknown; readonly errors: readonly unknown[] }[];
}

// The parser that one of our tools brings along; we depend on none.
const yaml = createRequire(join(ROOT, "node_modules", "knip", "package.json"))("yaml") as Yaml;
const readCompose = (name: string): Compose =>
  // Each test looks into what it is about.
  yaml.parse(read(name), { merge: true }) as Compose;
const COMPOSE_FILES = ["compose.postgres.yaml", "compose.citus.yaml"];

/** Settings that would end the server. */
const unknownOf = (names: readonly string[]): readonly string[] =>
  names.filter((name) => {
    try {
      readSettings({}, { env: { [name]: "" }, cwd: ROOT });
      return false;
    } catch (error) {
      // Its value is not looked at here.
      return error instanceof Error && error.message.includes("is not known");
    }
  });

describe("the Containerfile", () => {
  test("copies what is there", () => {
    const sources = Array.from(
      CONTAINERFILE.matchAll(/^COPY (?!--from)(.+) \S+$/gm),
      ([, it = ""]) => it.split(" "),
    ).flat();
    expect(sources.length).toBeGreaterThan(5);
    expect(sources.filter((it) => !existsSync(join(ROOT, it)))).toEqual([]);
  });

  test("copies all that a build of the packages reads", () => {
    const read = globSync("packages/*/tsconfig*.json", { cwd: ROOT }).flatMap((file) =>
      Array.from(
        readFileSync(join(ROOT, file), "utf8").matchAll(/"\.\.\/\.\.\/(.+?)"/g),
        (it) => it[1],
      ),
    );
    expect(read).toContain("tsconfig.base.json");
    for (const name of new Set(read)) expect(CONTAINERFILE).toContain(` ${name}`);
  });

  test("ends as nobody, with a data folder of its own, and starts what is packed", () => {
    const last = CONTAINERFILE.slice(CONTAINERFILE.lastIndexOf("\nFROM"));
    expect(last).toMatch(/^USER 65534:65534$/m);
    expect(last).toMatch(/^VOLUME \/data$/m);
    expect(last).toContain(`ENTRYPOINT ["node", "/app/${BIN}"]`);
    expect(readImageEnv()).toMatchObject({ MILLRACE_DATA: "/data", MILLRACE_ENV: "production" });
    expect(unknownOf(Object.keys(readImageEnv()))).toEqual([]);
  });

  test("needs no shell once it is built", () => {
    const last = CONTAINERFILE.slice(CONTAINERFILE.indexOf("USER 65534"));
    for (const [, command = ""] of last.matchAll(/(?:CMD|ENTRYPOINT) (.*)$/gm))
      expect(command).toMatch(/^\[/);
  });
});

describe("the server", () => {
  test("knows its settings, and no others", () => {
    expect(unknownOf(["PATH", "MILLRACE_DATA", "MILLRACE_DATE"])).toEqual(["MILLRACE_DATE"]);
  });
});

describe("a package", () => {
  test("of the server has its command where the image looks for it", () => {
    const server = readPackages(ROOT).find(({ manifest }) => manifest.name === "millrace");
    const { stdout } = spawnSync("npm", ["pack", "--dry-run", "--json"], {
      cwd: server?.path,
      encoding: "utf8",
    });
    // What npm prints.
    const [packed] = JSON.parse(stdout) as readonly { files: readonly { path: string }[] }[];
    const files = packed?.files.map(({ path }) => `node_modules/millrace/${path}`);
    expect(files).toContain(BIN);
    expect(files).toContain("node_modules/millrace/bin/launch.js");
  });
});

describe("the compose files", () => {
  test.each(COMPOSE_FILES)("%s builds the image, for nodes with a read-only root", (name) => {
    const nodes = Object.values(readCompose(name).services).filter(
      ({ image }) => image === "millrace",
    );
    expect(nodes.length).toBeGreaterThan(0);
    for (const { build, read_only, environment, volumes } of nodes) {
      expect(existsSync(join(ROOT, "deploy", build?.context ?? "", build?.dockerfile ?? ""))).toBe(
        true,
      );
      expect(read_only).toBe(true);
      expect(unknownOf(Object.keys(environment))).toEqual([]);
      expect(volumes).toEqual([expect.stringMatching(/:\/data$/)]);
    }
  });

  test.each(COMPOSE_FILES)("%s waits for services, and keeps volumes, that it has", (name) => {
    const { services, volumes } = readCompose(name);
    for (const service of Object.values(services)) {
      for (const other of Object.keys(service.depends_on ?? {}))
        expect(services).toHaveProperty(other);
      for (const volume of service.volumes ?? [])
        expect(Object.keys(volumes)).toContain(volume.split(":")[0]);
    }
  });

  test("have two nodes on one PostgreSQL that is looked after", () => {
    const { services } = readCompose("compose.postgres.yaml");
    expect(Object.keys(services)).toEqual(["postgres", "node-1", "node-2"]);
    expect(services["postgres"]?.healthcheck).toBeDefined();
    const urls = ["node-1", "node-2"].map(
      (it) => services[it]?.environment["MILLRACE_DATABASE_URL"],
    );
    expect(new Set(urls).size).toBe(1);
  });
});

describe("the manifest for Kubernetes", () => {
  test("runs the image as nobody with a read-only root", () => {
    const documents = yaml.parseAllDocuments(read("kubernetes.yaml"));
    expect(documents.flatMap(({ errors }) => errors)).toEqual([]);
    const workload = documents[0]?.toJS() as Workload;
    expect(workload.kind).toBe("Deployment");
    const { containers, securityContext } = workload.spec.template.spec;
    expect(securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 65534 });
    const [container] = containers;
    expect(container?.securityContext).toMatchObject({ readOnlyRootFilesystem: true });
    expect(container?.volumeMounts).toEqual([{ name: "data", mountPath: "/data" }]);
    expect(unknownOf((container?.env ?? []).map(({ name }) => name))).toEqual([]);
  });
});

describe("the unit for systemd", () => {
  test("starts what is packed, with settings that the server knows", () => {
    const unit = read("millrace.service");
    expect(unit).toContain(`/opt/millrace/${BIN} start`);
    const names = Array.from(unit.matchAll(/^Environment=(.*)$/gm), ([, it = ""]) => it.split(" "))
      .flat()
      .map((pair) => pair.split("=")[0] ?? "");
    expect(names).toContain("MILLRACE_DATA");
    expect(unknownOf(names)).toEqual([]);
  });
});

describe("the health check", () => {
  const check = async (port: number): Promise<number | null> => {
    const env = { PATH: process.env["PATH"], MILLRACE_PORT: String(port) };
    const child = spawn(process.execPath, [join(ROOT, "deploy", "health-check.js")], { env });
    const [code] = (await once(child, "close")) as [number | null];
    return code;
  };

  test("ends with 0 while the server is ready, and with 1 when nobody listens", async () => {
    await using server = await openTestServer();
    const listener = await listen({ app: server.app, host: "127.0.0.1", port: 0 });
    const { port } = listener;
    const whileReady = await check(port);
    await listener.close({ graceMs: 0 });
    expect([whileReady, await check(port)]).toEqual([0, 1]);
  });
});

// The environment of processes that execute users' code: what programs need to run at all, and what the operator
// names. The server's own secrets are not among them.

const ALWAYS: ReadonlySet<string> = new Set([
  "PATH",
  "HOME",
  "USER",
  "LOGNAME",
  "SHELL",
  "TMPDIR",
  "TMP",
  "TEMP",
  "LANG",
  "TZ",
  "NODE_ENV",
  "NODE_EXTRA_CA_CERTS",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  // Without these, Windows opens no socket and finds no home.
  "SystemRoot",
  "USERPROFILE",
]);

/** @param names what else they may see */
export function toChildEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  names: readonly string[],
): Readonly<Record<string, string>> {
  const allowed = new Set([...ALWAYS, ...names]);
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]): [string, string][] =>
      value !== undefined && (allowed.has(name) || name.startsWith("LC_")) ? [[name, value]] : [],
    ),
  );
}

import { parseSync } from "oxc-parser";

/** One module that a source names. */
export interface Import {
  readonly specifier: string;
  /** Whether only types come from it, so that nothing of it is left when the program runs. */
  readonly isTypeOnly: boolean;
}

/**
 * Reads every import, re-export and `import()` with a literal name, in the order of their kinds.
 *
 * @throws {Error} the file does not parse: what cannot be read must not pass as empty
 */
export function readImports(file: string, text: string): readonly Import[] {
  const { module, errors } = parseSync(file, text);
  const [error] = errors;
  if (error !== undefined) throw new Error(`${file} does not parse: ${error.message}`);
  const imports = module.staticImports.map(({ moduleRequest, entries }) => ({
    specifier: moduleRequest.value,
    isTypeOnly: entries.length > 0 && entries.every((entry) => entry.isType),
  }));
  const exports = module.staticExports.flatMap(({ entries }) =>
    entries.flatMap(({ moduleRequest, isType }) =>
      moduleRequest === null ? [] : [{ specifier: moduleRequest.value, isTypeOnly: isType }],
    ),
  );
  const dynamic = module.dynamicImports.flatMap(({ moduleRequest: { start, end } }) => {
    const literal = /^(["'`])([^$]*)\1$/.exec(text.slice(start, end))?.[2];
    return literal === undefined ? [] : [{ specifier: literal, isTypeOnly: false }];
  });
  return [...imports, ...exports, ...dynamic];
}

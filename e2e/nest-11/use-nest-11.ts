// Makes every import of Nest the one that is installed beside this file, whoever imports it.
import { registerHooks } from "node:module";

const IS_NEST = /^(?:@nestjs\/|rxjs(?:\/|$)|reflect-metadata$)/;

registerHooks({
  resolve: (specifier, context, next) =>
    next(specifier, IS_NEST.test(specifier) ? { ...context, parentURL: import.meta.url } : context),
});

// Reads every package's export map as publint does, on what `npm pack` would publish. Warnings count.

import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { readPackages, ROOT } from "./workspace.ts";

for (const { path, manifest } of readPackages(ROOT)) {
  const { messages, pkg } = await publint({ pkgDir: path, strict: true, pack: "npm" });
  for (const message of messages) {
    console.error(
      `${manifest.name}: ${formatMessage(message, pkg, { color: false }) ?? message.code}`,
    );
    process.exitCode = 1;
  }
  console.log(`${manifest.name}: ${messages.length} findings`);
}

// How long 400 days take: `node --conditions=source e2e/testing-kit/measure.ts`.
import { createTestEngine } from "millrace/testing";
import { reminders } from "./reminders.ts";

for (let n = 1; n <= 5; n++) {
  await using engine = await createTestEngine({ workflows: [reminders] });
  const beganAt = performance.now();
  const run = await engine.start(reminders, "ada@example.com");
  await run.result();
  console.log(`run ${n}: ${(performance.now() - beganAt).toFixed(1)} ms`);
}

/** No push service is set up here: the step's fallback counts as its output, and the run goes on. */
export function sendPush(): never {
  throw new Error("No push service is configured");
}

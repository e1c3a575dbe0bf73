import { ActionError } from "@millrace/protocol";

/** What an action failed with; an error of another kind, or none, fails the test. */
export async function actionFailure(doing: Promise<unknown>): Promise<ActionError> {
  const done = await doing.then(
    () => "it did not fail",
    (error: unknown) => error,
  );
  if (ActionError.is(done)) return done;
  throw new Error("expected an ActionError", { cause: done });
}

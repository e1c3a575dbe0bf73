import { MillraceException } from "@millrace/nestjs";

/** Of what must be rejected. */
export async function faultOf(promise: Promise<unknown>): Promise<MillraceException> {
  const thrown: unknown = await promise.then(
    () => new Error("it was not rejected"),
    (error: unknown) => error,
  );
  if (thrown instanceof MillraceException) return thrown;
  throw thrown;
}

// Guards against hanging: a test waits for signals, and these say what it waited for when none comes. No test
// depends on how long anything takes.

const HANG_MS = 60_000;
/** Of a test: longer, so that what was waited for is named. */
export const TEST_TIMEOUT_MS = 120_000;
const LOOK_EVERY_MS = 5;

/** @throws {Error} that names `what`, if nothing came for a minute */
export async function soon<T>(what: string, promise: Promise<T>, more = () => ""): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`waited in vain for ${what}${more()}`)), HANG_MS);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** For what gives no signal, such as another process' file. @returns the first answer that is not undefined */
export async function waitFor<T>(
  what: string,
  look: () => T | undefined | Promise<T | undefined>,
): Promise<T> {
  const until = performance.now() + HANG_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > until) throw new Error(`waited in vain for ${what}`);
    await passing(LOOK_EVERY_MS);
  }
}

/** For the moment of a fault, and between two looks; never to let something else catch up. */
export function passing(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

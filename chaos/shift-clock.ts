// Loaded before anything else (`--import`) into a process whose clock is to be wrong by `CHAOS_CLOCK_SHIFT_MS`. What is
// shifted: `Date.now()`, `new Date()` and `Date()`, `performance.timeOrigin`; in its threads, too. What is not:
// `performance.now()`, `process.hrtime` and timers, which count from the start of a machine and not from 1970; the
// times of files; and the database's clock, which is the point of it.
const shiftMs = Number(process.env["CHAOS_CLOCK_SHIFT_MS"] ?? 0);
const RealDate = Date;
const realNow = Date.now.bind(Date);
const shiftedNow = (): number => realNow() + shiftMs;

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, newTarget) =>
    // A date is an object, which the signature of `construct` does not say.
    Reflect.construct(target, args.length === 0 ? [shiftedNow()] : args, newTarget) as object,
  apply: () => new RealDate(shiftedNow()).toString(),
  get: (target, name, receiver) =>
    name === "now" ? shiftedNow : (Reflect.get(target, name, receiver) as unknown),
});
const { timeOrigin } = performance;
Object.defineProperty(performance, "timeOrigin", { get: () => timeOrigin + shiftMs });

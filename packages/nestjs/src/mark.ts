// What a decorator says about a class. It stands on the class itself, under a symbol that every loaded copy of this
// package shares: an application may have it under its own name and under an alias.

/** Whatever a decorator may stand above. */
export type AnyClass = abstract new (...args: never[]) => object;

export interface Mark<T> {
  put(target: object, value: T): void;
  /** Of the class alone: what it extends does not count. */
  read(target: unknown): T | undefined;
}

export function createMark<T>(name: string): Mark<T> {
  const key = Symbol.for(name);
  return {
    put: (target, value) => {
      Object.defineProperty(target, key, { value, configurable: true });
    },
    read: (target) => {
      if (typeof target !== "function" || !Object.hasOwn(target, key)) return undefined;
      // Put there by the function above.
      return Reflect.get(target, key) as T;
    },
  };
}

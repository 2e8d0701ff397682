/** Calls `make` once, at the first call. Every call returns the same value, also a promise that was rejected. */
export function once<T extends object | string>(make: () => T): () => T {
  let made: T | undefined;
  return () => made ??= make();
}

/** `make`, called at the first call alone; what it made answers all later ones, a promise kept or broken. */
export function once<T extends object | string>(make: () => T): () => T {
  let made: T | undefined;
  return () => made ??= make();
}

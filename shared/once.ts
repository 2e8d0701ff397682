/** `make`, called at the first call alone; its promise answers all later ones, kept or broken. */
export function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => made ??= make();
}

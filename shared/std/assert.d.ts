export function assert(expression: unknown, message?: string): asserts expression;
export function assertEquals<T>(actual: T, expected: T, message?: string): void;
export function assertNotEquals<T>(actual: T, expected: T, message?: string): void;
export function assertMatch(actual: string, expected: RegExp, message?: string): void;
export function assertThrows<E extends Error = Error>(
  work: () => unknown,
  // deno-lint-ignore no-explicit-any -- a class of errors may take any arguments
  ErrorClass?: new (...args: any[]) => E,
  included?: string,
  message?: string,
): E;
export function assertRejects<E extends Error = Error>(
  work: () => PromiseLike<unknown>,
  // deno-lint-ignore no-explicit-any -- a class of errors may take any arguments
  ErrorClass?: new (...args: any[]) => E,
  included?: string,
  message?: string,
): Promise<E>;
export function equal(a: unknown, b: unknown): boolean;

/** `@std/async/retry` with types: its npm package has none. */

// @ts-types="./retry.d.ts"
export * from "deno-std/async/retry.js";

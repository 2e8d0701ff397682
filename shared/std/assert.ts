/** `@std/assert` with types: its npm package has none. */

// @ts-types="./assert.d.ts"
export * from "deno-std/assert/mod.js";

/** `@std/assert` with types: its npm package carries none. */

// @ts-types="./assert.d.ts"
export * from "deno-std/assert/mod.js";

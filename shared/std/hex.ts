/** `@std/encoding/hex` with types: its npm package has none. */

// @ts-types="./hex.d.ts"
export * from "deno-std/encoding/hex.js";

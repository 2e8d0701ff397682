/** `@std/encoding/base64` with types: its npm package has none. */

// @ts-types="./base64.d.ts"
export * from "deno-std/encoding/base64.js";

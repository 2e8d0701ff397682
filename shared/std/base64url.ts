/** `@std/encoding/base64url` with types: its npm package has none. */

// @ts-types="./base64url.d.ts"
export * from "deno-std/encoding/base64url.js";

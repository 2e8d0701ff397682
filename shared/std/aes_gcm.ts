/** `@std/crypto/aes-gcm` with types: its npm package has none. */

// @ts-types="./aes_gcm.d.ts"
export * from "deno-std/crypto/aes_gcm.js";

/** `@std/toml` with types: its npm package has none. */

// @ts-types="./toml.d.ts"
export * from "deno-std/toml/mod.js";

/** New PGlite databases for tests: making one takes seconds, so one is made for a file of tests, and copied. */

import { cp } from "node:fs/promises";
import { withPglite } from "../../stack/pglite.ts";

let original: Promise<string> | undefined;
Deno.test.afterAll(async () => {
  if (original) await Deno.remove(await original, { recursive: true });
});

/** A temporary folder with a new database, which is the caller's to remove. */
export async function newPgliteFolder(): Promise<string> {
  original ??= makeOriginal();
  const folder = await Deno.makeTempDir();
  await cp(await original, folder, { recursive: true });
  return folder;
}

async function makeOriginal(): Promise<string> {
  const folder = await Deno.makeTempDir();
  await withPglite(folder, () => Promise.resolve());
  return folder;
}

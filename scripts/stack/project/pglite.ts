/** A PGlite database in a folder, with the roles of a Supabase project. */

import { PGlite } from "@electric-sql/pglite";
import { cp } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { RunSql } from "./migrations.ts";

/** Making a database takes seconds. So an empty one is kept in PGlite's own package, and copied. */
const EMPTY_DATABASE = fileURLToPath(new URL("../empty-database", import.meta.resolve("@electric-sql/pglite")));

/** In Supabase, `postgres` is not a superuser. In PGlite it is, so this renames it to free the name. */
const RENAME_SUPERUSER = `
  create role setup superuser;
  set session authorization setup;
  alter role postgres rename to supabase_admin;
  set session authorization supabase_admin;
  drop role setup;
`;

/** Creates the database if the folder is new, and runs `work` in it as the role `postgres`. */
export async function withPglite(folder: string, work: (run: RunSql) => Promise<unknown>): Promise<void> {
  const isNew = !await exists(`${folder}/PG_VERSION`);
  if (isNew) await makeDatabase(folder);
  const database = await PGlite.create({ dataDir: folder }).catch(async (error) => {
    // A damaged one must not be copied again.
    if (isNew) await Deno.remove(EMPTY_DATABASE, { recursive: true }).catch(() => {});
    throw error;
  });
  try {
    if (isNew) {
      const roles = await Deno.readTextFile(new URL("platform_roles.sql", import.meta.url));
      await database.exec(`${RENAME_SUPERUSER} ${roles} alter database postgres owner to postgres;`);
    }
    await database.exec("set session authorization postgres");
    await work(async (sql) => (await database.exec(sql)).at(-1)?.rows ?? []);
  } finally {
    await database.close();
  }
}

async function makeDatabase(folder: string): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  if (await exists(EMPTY_DATABASE)) return await cp(EMPTY_DATABASE, folder, { recursive: true });
  await (await PGlite.create({ dataDir: folder })).close();
  await keep(folder);
}

/** Copies and then renames, so that no other start finds an incomplete copy. Without write access, nothing is kept. */
async function keep(folder: string): Promise<void> {
  const making = `${EMPTY_DATABASE}-${crypto.randomUUID()}`;
  try {
    await cp(folder, making, { recursive: true });
    await Deno.rename(making, EMPTY_DATABASE);
  } catch {
    await Deno.remove(making, { recursive: true }).catch(() => {});
  }
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

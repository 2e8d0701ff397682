/** A PGlite database in a folder, with the roles of a Supabase project. */

import { PGlite } from "@electric-sql/pglite";
import type { RunSql } from "./migrations.ts";

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
  await Deno.mkdir(folder, { recursive: true });
  const database = await PGlite.create({ dataDir: folder });
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

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

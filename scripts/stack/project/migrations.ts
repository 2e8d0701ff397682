/** Applies a project's migrations as `supabase db push` does: in order, once each, recorded in the CLI's own table. */

/** Runs SQL as the role `postgres` and returns the rows of the last statement. */
export type RunSql = (sql: string) => Promise<Record<string, unknown>[]>;

const HISTORY = `
  create schema if not exists supabase_migrations;
  create table if not exists supabase_migrations.schema_migrations
    (version text primary key, statements text[], name text);
`;

/** Applies pending migrations, each file in its own transaction. */
export async function migrate(run: RunSql, migrations: URL): Promise<void> {
  await run(HISTORY);
  const applied = new Set(
    (await run("select version from supabase_migrations.schema_migrations")).map((row) => row.version),
  );
  const files = [...Deno.readDirSync(migrations)].map((entry) => entry.name).filter((name) => name.endsWith(".sql"))
    .sort();
  const pending = files.filter((name) => !applied.has(versionOf(name)));
  for (const name of pending) {
    const sql = await Deno.readTextFile(new URL(name, migrations));
    const title = name.slice(versionOf(name).length + 1, -".sql".length);
    await run(`begin; ${sql};
      insert into supabase_migrations.schema_migrations (version, name) values ('${versionOf(name)}', '${title}');
      commit;`);
  }
}

function versionOf(file: string): string {
  return file.slice(0, file.indexOf("_"));
}

/** The baselines' process: `Deno.serve` with a constant, a select and a durable update by primary key. */

import postgres from "postgres";
import { runChild } from "../../stack/child.ts";

export interface BaselineConfig {
  port: number;
  /** A database with the table of `sql/places.ts`. */
  databaseUrl: string;
  rows: number;
}

if (import.meta.main) await runChild(serve);

function serve({ port, databaseUrl, rows }: BaselineConfig): Promise<() => Promise<void>> {
  // The local data API has the same number of connections.
  const sql = postgres(databaseUrl, { max: 10, onnotice: () => {} });
  const pick = () => 1 + Math.floor(Math.random() * rows);
  const answers: Record<string, () => Promise<unknown>> = {
    "/constant": () => Promise.resolve({ ok: true }),
    "/select": async () => (await sql`select * from public.baseline where id = ${pick()}`)[0],
    "/update": async () =>
      (await sql`update public.baseline set changed_at = clock_timestamp() where id = ${pick()} returning *`)[0],
  };
  const server = Deno.serve({ hostname: "127.0.0.1", port, onListen: () => {} }, async (request) => {
    const answer = answers[new URL(request.url).pathname];
    return answer ? Response.json(await answer()) : new Response(null, { status: 404 });
  });
  return Promise.resolve(async () => {
    await server.shutdown();
    await sql.end({ timeout: 1 });
  });
}

// deno-lint-ignore-file no-console -- it is wrapped, see silenceDatabaseErrors()
/**
 * The data API of a local project: `@supabase/lite`, which stands in for PostgREST, over PGlite or native PostgreSQL.
 * The one file that knows it.
 */

import { App } from "@supabase/lite";
import { createPgliteConnection } from "@supabase/lite/pglite";
import { createPostgresConnection } from "@supabase/lite/postgres";
import type { ProjectKeys } from "./keys.ts";

export type Database = { kind: "pglite"; folder: string } | { kind: "postgres"; url: string };

export interface DataApiServer {
  /** Answers `/rest/v1/*`. */
  fetch(request: Request): Promise<Response>;
  close(): Promise<void>;
}

silenceDatabaseErrors();

/** Serves a database as `authenticator`, which becomes the role of the key that a request carries. */
export async function openDataApi(database: Database, keys: ProjectKeys): Promise<DataApiServer> {
  const connection = database.kind === "pglite" ? await openPglite(database.folder) : openPostgres(database.url);
  // Otherwise its first request grants anon and service_role everything on every table.
  Object.assign(connection, { rlsState: "active" });
  const app = new App({
    connection,
    api: { enabled: true, schemas: ["public"] },
    auth: { enabled: false, secret_key: keys.secret_key, publishable_key: keys.publishable_key },
  });
  await app.init();
  const answer = async (request: Request) => await app.fetch(request);
  return {
    fetch: database.kind === "pglite" ? oneAtATime(answer) : answer,
    close: () => connection.close(),
  };
}

async function openPglite(folder: string) {
  const connection = await createPgliteConnection({ url: folder });
  await connection.driver.exec("set session authorization authenticator");
  return connection;
}

function openPostgres(url: string) {
  const asIs = (value: string) => value;
  return createPostgresConnection({
    url,
    postgresOptions: {
      max: 10,
      onnotice: () => {},
      // The library hands JSON over as text already; its own serializer would quote that once more.
      types: {
        json: { to: 114, from: [114], serialize: asIs, parse: JSON.parse },
        jsonb: { to: 3802, from: [3802], serialize: asIs, parse: JSON.parse },
      },
    },
  });
}

/** The library prints every error of the database, and some quote the row. PostgREST leaves them to PostgreSQL's own log. */
function silenceDatabaseErrors(): void {
  const print = console.error;
  console.error = (...values: unknown[]) => {
    if (!values.some((value) => value instanceof Error && "code" in value)) print(...values);
  };
}

/** PGlite has one connection and the library opens a transaction on it for each request: two at once would share it. */
function oneAtATime(answer: (request: Request) => Promise<Response>): (request: Request) => Promise<Response> {
  let last: Promise<unknown> = Promise.resolve();
  return (request) => {
    const answered = last.then(() => answer(request));
    last = answered.catch(() => {});
    return answered;
  };
}

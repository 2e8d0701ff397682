// deno-lint-ignore-file no-console -- it is wrapped, see keepDatabaseErrors()
/**
 * The data API of a local project: `@supabase/lite`, which stands in for PostgREST, over PGlite or native PostgreSQL.
 * The one file that knows it.
 */

import { App } from "@supabase/lite";
import { createPgliteConnection } from "@supabase/lite/pglite";
import { createPostgresConnection } from "@supabase/lite/postgres";
import { AsyncLocalStorage } from "node:async_hooks";
import type { ProjectKeys } from "./keys.ts";
import { reserveSingly } from "./single_connections.ts";

export type LocalDatabase = { kind: "pglite"; folder: string } | { kind: "postgres"; url: string };

export interface DataApiServer {
  /** Answers `/rest/v1/*`. */
  fetch(request: Request): Promise<Response>;
  close(): Promise<void>;
}

keepDatabaseErrors();

/** Serves a database as `authenticator`, which becomes the role of the key that a request carries. */
export async function openDataApi(database: LocalDatabase, keys: ProjectKeys): Promise<DataApiServer> {
  const { connection, close } = database.kind === "pglite"
    ? await openPglite(database.folder)
    : await openPostgres(database.url);
  // Otherwise its first request grants anon and service_role everything on every table.
  Object.assign(connection, { rlsState: "active" });
  const app = new App({
    connection,
    api: { enabled: true, schemas: ["public"] },
    auth: { enabled: false, secret_key: keys.secret_key, publishable_key: keys.publishable_key },
  });
  await app.init();
  const answer = (request: Request) => answerWithCode(async () => await app.fetch(request));
  return {
    fetch: database.kind === "pglite" ? oneAtATime(answer) : answer,
    close,
  };
}

async function openPglite(folder: string) {
  const connection = await createPgliteConnection({ url: folder });
  await connection.driver.exec("set session authorization authenticator");
  return { connection, close: () => connection.close() };
}

async function openPostgres(url: string) {
  const asIs = (value: string) => value;
  const connection = createPostgresConnection({
    url,
    postgresOptions: {
      // Once the database is back, the pool connects at the next request, and not up to 20 s later.
      backoff: () => 0.1,
      onnotice: () => {},
      // The library hands JSON over as text already; its own serializer would quote that once more.
      types: {
        json: { to: 114, from: [114], serialize: asIs, parse: JSON.parse },
        jsonb: { to: 3802, from: [3802], serialize: asIs, parse: JSON.parse },
      },
    },
  });
  // It learns the types of arrays, for itself and for the connections of requests.
  await connection.driver.unsafe("select 1");
  return { connection, close: reserveSingly(connection.driver) };
}

/** The database error of the request that is being answered. */
const failure = new AsyncLocalStorage<{ error?: Error & { code: unknown } }>();

/** The library prints every error of the database, and some quote the row. PostgREST leaves them to PostgreSQL's own log. */
function keepDatabaseErrors(): void {
  const print = console.error;
  console.error = (...values: unknown[]) => {
    const error = values.find((value): value is Error & { code: unknown } => value instanceof Error && "code" in value);
    if (error === undefined) return print(...values);
    const request = failure.getStore();
    if (request) request.error = error;
  };
}

/** Where the library hides an error's code behind one of its own, answers with the code as PostgREST does. */
async function answerWithCode(answer: () => Promise<Response>): Promise<Response> {
  const request: { error?: Error & { code: unknown } } = {};
  const response = await failure.run(request, answer);
  if (response.status !== 500 || request.error === undefined) return response;
  const { code } = await response.clone().json();
  if (code !== "SUP") return response;
  const hidden = String(request.error.code);
  const isSqlState = /^(?=.*\d)[0-9A-Z]{5}$/.test(hidden);
  const isUnavailable = !isSqlState || /^(08|53|57P)/.test(hidden);
  return Response.json(
    { code: isSqlState ? hidden : "PGRST001", message: request.error.message, details: null, hint: null },
    { status: isUnavailable ? 503 : 500 },
  );
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

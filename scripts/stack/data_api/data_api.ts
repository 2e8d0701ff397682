// deno-lint-ignore-file no-console -- it is wrapped, see keepDatabaseErrors()
/**
 * The data API of a local project: `@supabase/lite` replaces PostgREST, over PGlite or native PostgreSQL. Only this
 * file depends on the library.
 */

import { App } from "@supabase/lite";
import type { PGliteInterface } from "@electric-sql/pglite";
import { createPgliteConnection } from "@supabase/lite/pglite";
import { createPostgresConnection } from "@supabase/lite/postgres";
import { AsyncLocalStorage } from "node:async_hooks";
import type { Connection, ConnectionPool } from "shared/database/connection_pool.ts";
import type { ProjectKeys } from "../data/keys.ts";
import { joinSettings } from "./join_settings.ts";
import { reserveSingly } from "./single_connections.ts";

export type LocalDatabase = { kind: "pglite"; folder: string } | { kind: "postgres"; url: string };

/** Where the functions call a PGlite database that runs in their own process. */
export const PGLITE_URL = "postgresql://function_caller:none@in-process/postgres";

export interface DataApiServer {
  /** Answers `/rest/v1/*`. */
  fetch(request: Request): Promise<Response>;
  /** For functions that call the database directly; native PostgreSQL's connect to it. */
  pool?: ConnectionPool;
  close(): Promise<void>;
}

keepDatabaseErrors();

/** Serves a database as `authenticator`, which switches to the role of each request's key. */
export async function openDataApi(database: LocalDatabase, keys: ProjectKeys): Promise<DataApiServer> {
  const { connection, pglite, close } = database.kind === "pglite"
    ? await openPglite(database.folder)
    : await openPostgres(database.url);
  // Otherwise the library's first request grants anon and service_role all privileges on every table.
  Object.assign(connection, { rlsState: "active" });
  const app = new App({
    connection,
    api: { enabled: true, schemas: ["public"] },
    auth: { enabled: false, secret_key: keys.secret_key, publishable_key: keys.publishable_key },
  });
  await app.init();
  const answer = (request: Request) => answerWithCode(async () => await app.fetch(request));
  if (pglite === undefined) return { fetch: answer, close };
  const inTurn = takeTurns();
  return {
    fetch: (request) => inTurn(() => answer(request)),
    pool: poolOf(pglite, inTurn),
    close,
  };
}

async function openPglite(folder: string) {
  const connection = await createPgliteConnection({ url: folder });
  const pglite: PGliteInterface = connection.driver;
  await pglite.exec("grant function_caller to authenticator; set session authorization authenticator");
  const send = pglite.query.bind(pglite);
  const query = joinSettings((text, values) => send(text, values), { rows: [], fields: [] });
  Object.assign(pglite, { query });
  return { connection, pglite, close: () => connection.close() };
}

/** Runs what a function calls as function_caller, in a transaction. */
function poolOf(pglite: PGliteInterface, inTurn: InTurn): ConnectionPool {
  const unsafe = (text: string, values: unknown[]) =>
    inTurn(async () => {
      try {
        return await pglite.transaction(async (transaction) => {
          await transaction.exec("set local role function_caller");
          return (await transaction.query<Record<string, unknown>>(text, values)).rows;
        });
      } catch (error) {
        throw error instanceof Error ? Object.assign(error, { name: "PostgresError" }) : error;
      }
    });
  const connection: Connection = { sql: { unsafe, end: () => Promise.resolve() } };
  return {
    acquire: () => Promise.resolve(connection),
    release: () => {},
    replace: () => {},
    close: () => Promise.resolve(),
  };
}

async function openPostgres(url: string) {
  const asIs = (value: string) => value;
  const connection = createPostgresConnection({
    url,
    postgresOptions: {
      // After an outage, the pool connects at the next request. By default, it waits up to 20 s.
      backoff: () => 0.1,
      onnotice: () => {},
      // The library passes JSON as text. The default serializer would quote it again.
      types: {
        json: { to: 114, from: [114], serialize: asIs, parse: JSON.parse },
        jsonb: { to: 3802, from: [3802], serialize: asIs, parse: JSON.parse },
      },
    },
  });
  // The first query loads the types of arrays, for this connection and for those of requests.
  await connection.driver.unsafe("select 1");
  return { connection, pglite: undefined, close: reserveSingly(connection.driver) };
}

/** The database error of the current request. */
const failure = new AsyncLocalStorage<{ error?: Error & { code: unknown } }>();

/** The library prints every database error, and some quote the row. PostgREST prints none, so this keeps them back. */
function keepDatabaseErrors(): void {
  const print = console.error;
  console.error = (...values: unknown[]) => {
    const error = values.find((value): value is Error & { code: unknown } => value instanceof Error && "code" in value);
    if (error === undefined) return print(...values);
    const request = failure.getStore();
    if (request) request.error = error;
  };
}

/** Answers with the database's error code, as PostgREST does, when the library hides it behind its own. */
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

type InTurn = <T>(work: () => Promise<T>) => Promise<T>;

/** PGlite has one connection, and each request opens a transaction: concurrent ones would share it. */
function takeTurns(): InTurn {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const done = last.then(work);
    last = done.catch(() => {});
    return done;
  };
}

/** Calls SQL functions over our own connections to PostgreSQL, without the data API. */

import type { Options } from "postgres";
import {
  type Connection,
  type ConnectionPool,
  noAnswerInTime,
  openPool,
  type Rows,
  withoutOrigin,
} from "./connection_pool.ts";
import { DatabaseError, isTransientCode } from "./database_error.ts";
import { isThisMachine } from "../loopback.ts";
import { limitTime, type TimeLimit } from "../time_limit.ts";

/** Where a database is, with the role and the password that connect to it. */
export interface DirectDatabase {
  /** `postgresql://role:password@host:port/database`; TLS is verified unless the host is this machine. */
  databaseUrl: string;
  /** PEM of the authority that signed the database's certificate, if that is not a public authority. */
  databaseCa?: string | undefined;
}

/** The most for each instance of a function. Each is opened when calls need it. */
export const CONNECTIONS = 10;

/** In seconds. */
const CONNECT_TIMEOUT = 4;

/** In seconds. Poolers and firewalls drop idle connections without notice, so we close them first. */
const IDLE_TIMEOUT = 60;

const pools = new Map<string, Promise<ConnectionPool>>();

/**
 * Calls `public.<name>` with its parameters by name, in its own transaction, and returns its value.
 *
 * @throws {DatabaseError} if the function raises an error, or if no answer comes in time.
 */
export async function callDirectly(
  database: DirectDatabase,
  name: string,
  parameters: Record<string, unknown>,
  timeoutMs: number,
): Promise<unknown> {
  const pool = await poolOf(database);
  const limit = limitTime(timeoutMs);
  try {
    const connection = await pool.acquire(limit);
    try {
      return await run(pool, connection, statementOf(name, parameters), limit);
    } finally {
      pool.release(connection);
    }
  } catch (error) {
    throw failureOf(error);
  } finally {
    limit.end();
  }
}

/** Makes calls use this pool: a database inside this process has no address to connect to. */
export function usePool(databaseUrl: string, pool: ConnectionPool): void {
  pools.set(databaseUrl, Promise.resolve(pool));
}

/** Ends every connection. */
export async function closeDirectConnections(): Promise<void> {
  const open = [...pools.values()];
  pools.clear();
  for (const pool of open) await (await pool).close();
}

function failureOf(error: unknown): DatabaseError {
  const thrown: Error & { code?: unknown; detail?: string } = error instanceof Error ? error : new Error(String(error));
  const { name, message, detail = "" } = thrown;
  // A DOMException's code is a number that tells an operator nothing; its name does.
  const code = typeof thrown.code === "string" ? thrown.code : name;
  const sqlState = name === "PostgresError" ? code : "";
  return new DatabaseError({
    code: sqlState,
    message,
    detail,
    summary: sqlState === "" ? `the database did not answer (${code})` : `the database raised ${sqlState}`,
    isTransient: sqlState === "" || isOurAccess(sqlState) || isTransientCode(sqlState),
  });
}

/** 28, 3D: who we are; 42501: what we may do; 42883: no such function, so a migration is missing. */
function isOurAccess(sqlState: string): boolean {
  return /^(28...|3D...|42501|42883)$/.test(sqlState);
}

interface FunctionQuery {
  text: string;
  values: unknown[];
}

/** @throws {TypeError} for a name that would need quotes. Names come only from our own code. */
function statementOf(name: string, parameters: Record<string, unknown>): FunctionQuery {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined);
  for (const word of [name, ...given.map(([word]) => word)]) {
    if (!/^[a-z][a-z0-9_]*$/.test(word)) throw new TypeError("an SQL name must be plain");
  }
  const list = given.map(([word], index) => `${word} => $${index + 1}`).join(", ");
  return {
    text: `select public.${name}(${list}) as answer`,
    values: given.map(([, value]) => value),
  };
}

async function run(
  pool: ConnectionPool,
  connection: Connection,
  { text, values }: FunctionQuery,
  limit: TimeLimit,
): Promise<unknown> {
  const query = withoutOrigin(connection.sql.unsafe(text, values, { prepare: true }));
  const [row] = await new Promise<Rows>((resolve, reject) => {
    query.then(resolve, reject);
    limit.whenOver(() => {
      query.cancel?.();
      // The next caller must not wait for an answer that may never come.
      pool.replace(connection);
      reject(noAnswerInTime());
    });
  });
  return row?.answer;
}

function poolOf(database: DirectDatabase): Promise<ConnectionPool> {
  const opened = pools.get(database.databaseUrl) ?? openPoolOf(database);
  pools.set(database.databaseUrl, opened);
  return opened;
}

/** Loads the driver at the first call, so that a function that uses the data API does not load it. */
async function openPoolOf(database: DirectDatabase): Promise<ConnectionPool> {
  // deno-lint-ignore no-import-prefix -- bundles leave it out, and no import map reaches them
  const { default: postgres } = await import("npm:postgres@3.4.9");
  const options = readOptions(database);
  // The driver's types lack the list of hosts, but only a list accepts IPv6 addresses.
  const open = (onclose: () => void) => postgres({ ...options, onclose } as unknown as Options<Record<string, never>>);
  return openPool(open, CONNECTIONS);
}

/** All of the driver's options. It would read missing ones from the address, which could switch off TLS. */
export function readOptions({ databaseUrl, databaseCa }: DirectDatabase) {
  const { hostname, port, username, password, pathname, searchParams } = new URL(databaseUrl);
  const host = hostname.replace(/^\[|\]$/g, "");
  const isTransactionPooler = port === "6543" || searchParams.get("pgbouncer") === "true";
  return {
    host: [host],
    port: [Number(port || 5432)],
    username: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: decodeURIComponent(pathname.slice(1)),
    // The certificate must name the host. The driver omits the host if it is an IP address.
    ssl: isThisMachine(hostname)
      ? false as const
      : { host, rejectUnauthorized: true, ...(databaseCa && { ca: databaseCa }) },
    // A prepared statement belongs to one server connection, and a transaction pooler changes that between transactions.
    prepare: !isTransactionPooler,
    max: 1,
    max_lifetime: null,
    // The driver delays a client that failed to connect before. Each of our clients connects only once.
    backoff: () => 0,
    connect_timeout: CONNECT_TIMEOUT,
    idle_timeout: IDLE_TIMEOUT,
    fetch_types: false,
    connection: { application_name: "edge-functions" },
    onnotice: () => {},
  };
}

/**
 * Connections that each serve one request of the data API at a time. postgres.js 3.4.9 does not handle the loss of a
 * connection that it reserved: it keeps writing to it, later treats it as open, and every further query hangs.
 */

import postgres from "postgres";
import { openPool, withoutOrigin } from "shared/database/connection_pool.ts";
import { joinSettings } from "./join_settings.ts";

/** The most at once. Further requests wait. */
const CONNECTIONS = 10;

/** What kysely-postgres-js needs of a reserved connection. */
interface Reserved {
  unsafe(query: string, parameters?: unknown[]): Promise<unknown>;
  release(): void;
}

/** Makes the driver reserve such connections, with its own options. Returns a function that closes them. */
export function reserveSingly(driver: postgres.Sql): () => Promise<void> {
  // postgres.js opens another client in the same way: with the same options. It connects at its first query.
  const options = { ...driver.options, max: 1, max_lifetime: null };
  const pool = openPool(
    (onclose) => postgres({ ...options, onclose } as unknown as postgres.Options<Record<string, never>>),
    CONNECTIONS,
  );
  const reserve = async (): Promise<Reserved> => {
    const connection = await pool.acquire();
    const send = async (query: string, parameters: unknown[] = []): Promise<unknown> => {
      // What is left of a transaction must not run on the next connection, outside of it.
      if (connection.loss) throw connection.loss;
      return await withoutOrigin(connection.sql.unsafe(query, parameters));
    };
    return {
      unsafe: joinSettings(send, []),
      release: () => pool.release(connection),
    };
  };
  Object.assign(driver, { reserve });
  return () => pool.close();
}

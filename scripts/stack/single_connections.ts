/**
 * Connections for one request each. The reserved connections of postgres.js 3.4.9 do not recover from a loss: it
 * continues to write to a lost connection and, after the release, treats it as open, so that every later query waits
 * forever. A client of one connection notices the loss and reconnects. But a query between the socket's error and its
 * end never gets an answer, and a query that was not sent yet blocks the new connection's handshake. So a new client
 * replaces it.
 */

import postgres from "postgres";

/** The most requests at a time. Further requests wait. */
const CONNECTIONS = 10;

interface Slot {
  sql: postgres.Sql;
  /** Set when the connection is lost while a request uses it. */
  loss?: Error;
}

/** The members of a reserved connection that kysely-postgres-js uses. */
interface Reserved {
  unsafe(query: string, parameters?: postgres.ParameterOrJSON<never>[]): Promise<postgres.RowList<postgres.Row[]>>;
  release(): void;
}

/** Makes the driver reserve such connections, with its own options. Returns a function that closes them. */
export function reserveSingly(driver: postgres.Sql): () => Promise<void> {
  const waiting: ((slot: Slot) => void)[] = [];
  const slots = Array.from({ length: CONNECTIONS }, () => openSlot(driver));
  const free = [...slots];

  const release = (slot: Slot) => {
    const next = waiting.shift();
    if (next) next(slot);
    else free.push(slot);
  };
  const reserve = async (): Promise<Reserved> => {
    const slot = free.shift() ?? await new Promise<Slot>((resolve) => waiting.push(resolve));
    delete slot.loss;
    return {
      // The rest of a transaction must not run on the next connection, outside the transaction.
      unsafe: async (query, parameters) => {
        if (slot.loss) throw slot.loss;
        return await slot.sql.unsafe(query, parameters);
      },
      release: () => release(slot),
    };
  };
  Object.assign(driver, { reserve });
  return async () => void await Promise.all(slots.map(({ sql }) => sql.end({ timeout: 1 })));
}

function openSlot(driver: postgres.Sql): Slot {
  const slot: Slot = { sql: connect() };
  return slot;

  function connect(): postgres.Sql {
    const onclose = () => {
      if (slot.sql !== client) return;
      slot.loss = Object.assign(new Error("the connection to the database was lost"), { code: "CONNECTION_CLOSED" });
      slot.sql = connect();
      void client.end({ timeout: 0 });
    };
    // postgres.js itself opens further clients in this way. The client connects at its first query. It fetches no
    // types: the driver has them, and losing the connection during the fetch would crash the process.
    const options = { ...driver.options, max: 1, max_lifetime: null, fetch_types: false, onclose };
    const client = postgres(options as unknown as postgres.Options<Record<string, never>>);
    return client;
  }
}

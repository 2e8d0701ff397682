/**
 * Connections that a request has for itself. Those that postgres.js 3.4.9 reserves do not outlive a loss: it goes on writing
 * to one that is lost, and once released takes it for an open one, on which every later query waits for ever. A client of a
 * single connection is told of its loss, and would connect anew; but a query between the error of its socket and its end is
 * never answered, and one that is not yet sent keeps the new connection from being greeted. So another client takes its place.
 */

import postgres from "postgres";

/** As many as that are at work at once; further requests wait. */
const CONNECTIONS = 10;

interface Slot {
  sql: postgres.Sql;
  /** Set when the connection is lost while a request has it. */
  loss?: Error;
}

/** What kysely-postgres-js needs of a reserved connection. */
interface Reserved {
  unsafe(query: string, parameters?: postgres.ParameterOrJSON<never>[]): Promise<postgres.RowList<postgres.Row[]>>;
  release(): void;
}

/** Gives the driver's requests such connections, by its own options. Returns what closes them. */
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
      // What is left of a transaction must not run on the next connection, outside of it.
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
    // As postgres.js itself opens another client of the same options. It connects at its first query.
    // Nobody hears of it when it loses a connection while it fetches types, and the process ends: the driver has fetched them.
    const options = { ...driver.options, max: 1, max_lifetime: null, fetch_types: false, onclose };
    const client = postgres(options as unknown as postgres.Options<Record<string, never>>);
    return client;
  }
}

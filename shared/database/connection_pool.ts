/**
 * A pool that lends each connection to one caller at a time. Each is a postgres.js client of a single connection.
 *
 * postgres.js 3.4.9 does not recover from every loss: a query between a socket's error and its end is never answered, and
 * an unsent query blocks the new connection. So the pool replaces a lost client with a new one.
 */

import type { TimeLimit } from "../time_limit.ts";

/** The part of a postgres.js client that the pool uses. */
export interface Client {
  unsafe(text: string, values: unknown[], options?: { prepare: boolean }): PendingRows;
  end(options: { timeout: number }): Promise<void>;
}

export type Rows = readonly Record<string, unknown>[];
type PendingRows = Promise<Rows> & { cancel?(): void };

/** Opens a client of one connection. The client may connect at its first query. */
export type Open = (onclose: () => void) => Client;

export interface Connection {
  sql: Client;
  /** Set when the connection is lost while a caller has it: the rest of a transaction must not run on the next one. */
  loss?: Error;
}

export interface ConnectionPool {
  /** Waits for a free connection. @throws {DOMException} `TimeoutError` when the limit is over. */
  acquire(limit?: TimeLimit): Promise<Connection>;
  release(connection: Connection): void;
  /** Replaces a client that does not answer with a new one. */
  replace(connection: Connection): void;
  close(): Promise<void>;
}

type Waiting = (connection: Connection) => void;

export function openPool(open: Open, size: number): ConnectionPool {
  const waiting = new Set<Waiting>();
  const all = Array.from({ length: size }, () => openConnection(open));
  const free = [...all];

  return {
    async acquire(limit) {
      const connection = free.pop() ?? await turn(waiting, limit);
      delete connection.loss;
      return connection;
    },
    release(connection) {
      const [next] = waiting;
      if (next === undefined) free.push(connection);
      else next(connection);
    },
    replace: (connection) => reopen(connection, open),
    close: async () => void await Promise.all(all.map(({ sql }) => sql.end({ timeout: 1 }))),
  };
}

function turn(waiting: Set<Waiting>, limit?: TimeLimit): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const take = (connection: Connection) => {
      waiting.delete(take);
      resolve(connection);
    };
    waiting.add(take);
    limit?.whenOver(() => {
      waiting.delete(take);
      reject(noAnswerInTime());
    });
  });
}

export function noAnswerInTime(): DOMException {
  return new DOMException("no answer in time", "TimeoutError");
}

/**
 * postgres.js 3.4.9 asks a failed query where it was called from, and keeps the answer for ever: for a query of `unsafe`
 * under a new key each time.
 */
export function withoutOrigin<Query extends object>(query: Query): Query {
  return Object.defineProperty(query, "origin", { value: "" });
}

function openConnection(open: Open): Connection {
  const connection: Connection = { sql: openClient(open, () => connection) };
  return connection;
}

function openClient(open: Open, owner: () => Connection): Client {
  const client = open(() => {
    if (owner().sql === client) reopen(owner(), open);
  });
  return client;
}

function reopen(connection: Connection, open: Open): void {
  const lost = connection.sql;
  connection.loss = Object.assign(new Error("the connection to the database was lost"), { code: "CONNECTION_CLOSED" });
  connection.sql = openClient(open, () => connection);
  void lost.end({ timeout: 0 });
}

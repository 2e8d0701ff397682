/** Why a call of an SQL function has no value, whichever way it went. */

export interface DatabaseFailure {
  /** An SQLSTATE, a code of the data API, or "" when nothing answered. */
  code: string;
  /** Of what a function raised: the code of the error, and JSON. Of anything else they may quote the row. */
  message: string;
  detail: string;
  /** For the log: it holds nothing of the request. */
  summary: string;
  /** Whether the database, or our access to it, is at fault, and not the request. */
  isTransient: boolean;
}

export class DatabaseError extends Error {
  override name = "DatabaseError";

  constructor(readonly failure: DatabaseFailure) {
    super(failure.summary);
  }
}

/** Whether a database's failure passes: a later call may succeed. */
export function isTransientCode(code: string): boolean {
  // PGRST000–003: no connection to the database. 08, 53, 57: connection, resources, intervention.
  // 55P03, 40001, 40P01, 25006: lock, serialization, deadlock, read-only.
  return /^(PGRST00[0-3]|(08|53|57)...|55P03|40001|40P01|25006)$/.test(code);
}

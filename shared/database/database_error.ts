/** A failed call of an SQL function, over either transport. */

export interface DatabaseFailure {
  /** An SQLSTATE, a code of the data API, or "" if there was no answer. */
  code: string;
  /** For an error that a function raised: its code, with JSON in `detail`. Other errors may quote the row in both. */
  message: string;
  detail: string;
  /** For the log. It contains nothing from the request. */
  summary: string;
  /** Whether the database or our access to it is at fault, not the request. */
  isTransient: boolean;
}

export class DatabaseError extends Error {
  override name = "DatabaseError";

  constructor(readonly failure: DatabaseFailure) {
    super(failure.summary);
  }
}

/** Whether the failure is temporary: a later call may succeed. */
export function isTransientCode(code: string): boolean {
  // PGRST000–003: no connection to the database. 08, 53, 57: connection, resources, intervention.
  // 55P03, 40001, 40P01, 25006: lock, serialization, deadlock, read-only.
  return /^(PGRST00[0-3]|(08|53|57)...|55P03|40001|40P01|25006)$/.test(code);
}

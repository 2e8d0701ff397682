/** Page cursors: the position before the next page, as JSON in base64url. Opaque to callers, but not secret. */

import { decodeBase64Url, encodeBase64Url } from "@std/encoding/base64url";

/** A position in a tenant's list: the tenant, then the sort key of the last row seen. */
export type Cursor = readonly [tenantId: string, ...sortKey: string[]];

export function encodeCursor(cursor: Cursor): string {
  return encodeBase64Url(JSON.stringify(cursor));
}

/** A page of an answer: its rows under `name`, their count, and the cursor of the next page. */
export function pageOf<Row>(name: string, rows: Row[], more: boolean, positionOf: (row: Row) => Cursor) {
  const last = more ? rows.at(-1) : undefined;
  return { [name]: rows, count: rows.length, next_cursor: last === undefined ? null : encodeCursor(positionOf(last)) };
}

/** The position in a cursor, or undefined if the text is not a cursor with that many sort key parts. */
export function decodeCursor(text: string, sortKeyParts: number): Cursor | undefined {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(decodeBase64Url(text)));
    return isCursor(parsed) && parsed.length === sortKeyParts + 1 ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function isCursor(value: unknown): value is [string, ...string[]] {
  return Array.isArray(value) &&
    value.every((part) => typeof part === "string" && part.isWellFormed() && !part.includes("\0"));
}

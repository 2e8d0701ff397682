/** Reads all pages of an operators' function that returns a list. */

import type { Json } from "governance-hub/supabase/database.types.ts";

/** The most rows that such a function returns. A shorter page is the last. */
const PAGE_ROWS = 1000;

/**
 * @param readPage calls the function with this value as its filter's "after"
 * @param cursor the part of a row that identifies it in the filter's "after"
 */
export async function readPages<Row>(
  readPage: (after: Json | undefined) => Promise<Row[]>,
  cursor: (row: Row) => Json,
): Promise<Row[]> {
  const rows: Row[] = [];
  let after: Json | undefined = undefined;
  while (true) {
    const page: Row[] = await readPage(after);
    for (const row of page) rows.push(row);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE_ROWS) return rows;
    after = cursor(last);
  }
}

/** Reads a list of an operators' function to its end, a page at a time. */

import * as z from "zod/mini";
import { callOperator, type ProjectAccess } from "./call.ts";

/** What the lists' functions return at most; a page that is not full is the last. */
const PAGE_ROWS = 1000;

/** @param cursor what of a row names it in the filter's "after" */
export async function readPages<Row>(
  project: ProjectAccess,
  name: string,
  filter: Record<string, unknown>,
  row: z.ZodMiniType<Row>,
  cursor: (row: Row) => unknown,
): Promise<Row[]> {
  const rows: Row[] = [];
  let after: unknown = undefined;
  while (true) {
    const page = await callOperator(project, name, { filter: { ...filter, after } }, z.array(row));
    for (const read of page) rows.push(read);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE_ROWS) return rows;
    after = cursor(last);
  }
}

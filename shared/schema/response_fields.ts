/** Members of answers. The database provides their values, and these schemas describe them in the document. */

import * as z from "zod/mini";
import { documented, type Keywords } from "./annotate.ts";
import { once } from "../lazy.ts";

export function text(example: string, keywords: Keywords = {}) {
  return documented(z.string(), { examples: [example], ...keywords });
}

/** A whole number that is not below the minimum. */
export function integer(minimum: number, keywords: Keywords = {}) {
  return documented(z.number(), { type: "integer", minimum, ...keywords });
}

export const id = once(() => text("5f0c6b1e-3d58-4a0b-9b0e-1c2d3e4f5a6b", { format: "uuid" }));

export const tenantId = once(() => text("0b7f2c1e-6c1c-4a52-9d27-3a1c0f0d9b11", { format: "uuid" }));

/** Always six digits: `datetime.fromisoformat` of Python 3.9 cannot parse every shorter fraction. */
export const moment = once(() =>
  text("2026-02-23T12:00:00.123456+00:00", { format: "date-time", pattern: "\\.[0-9]{6}\\+00:00$" })
);

/** The `data` of a page, as pageOf returns it: its rows under `name`. The document calls the schema `id`. */
export function page(id: string, name: string, row: z.ZodMiniType) {
  const page = z.object({
    [name]: z.array(row),
    count: integer(0, { description: "the number of rows in this page", examples: [1] }),
    next_cursor: documented(z.nullable(z.string()), {
      description: "the cursor of the next page, or null on the last page",
      examples: [null],
    }),
  });
  return documented(page, { id });
}

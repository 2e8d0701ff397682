/**
 * The fields of requests. Each rule stands a second time as a CHECK constraint in its table.
 * Lengths of text are in code points, sizes in UTF-8 bytes.
 */

import * as z from "zod/mini";
import { type Cursor, decodeCursor } from "./cursor.ts";

// deno-lint-ignore no-control-regex -- they are what it is for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;
const MAX_CREDENTIALS_BYTES = 64 * 1024;
const MAX_ARGS_BYTES = 32 * 1024;
const MAX_PAGE = 1000;

/** A field's one rule, in words; a missing field is told apart. */
function rule(text: string): { error: (issue: { input?: unknown }) => string } {
  return { error: ({ input }) => input === undefined ? "is required" : text };
}

function text(words: string, isGood: (value: string) => boolean) {
  return z.string(rule(words)).check(z.refine(isGood, { error: words }));
}

/** Free text for people and machines: bounded, on one line, and not blank. */
function line(maxLength: number) {
  const words = `must be 1 to ${maxLength} characters, not blank, without control characters`;
  return text(words, (value) => isLine(value, maxLength) && value.trim() !== "");
}

function isLine(value: string, maxLength: number): boolean {
  const length = [...value].length;
  return length >= 1 && length <= maxLength && !CONTROL.test(value) && value.isWellFormed();
}

function byteLength(value: string): number {
  return new TextEncoder().encode(value).byteLength;
}

export const tenantId = z.guid(rule("must be a tenant's UUID"));

export const serverId = text(
  "must be 1 to 128 of A-Z a-z 0-9 @ . _ : / -, and begin with a letter, a digit or @",
  (value) => /^[A-Za-z0-9@][A-Za-z0-9@._:/-]{0,127}$/.test(value),
);

export const serverName = line(200);

export const command = line(1024);

const ARGS_RULE = "must be 1 to 128 strings of 1 to 4096 characters without control characters, 32 KiB together";
export const args = z.array(z.string({ error: ARGS_RULE }), rule(ARGS_RULE)).check(z.refine(isArgumentList, ARGS_RULE));

function isArgumentList(args: string[]): boolean {
  return args.length >= 1 && args.length <= 128 && args.every((arg) => isLine(arg, 4096)) &&
    args.reduce((bytes, arg) => bytes + byteLength(arg), 0) <= MAX_ARGS_BYTES;
}

export const toolPrefix = text(
  'must be at most 64 characters: segments of A-Z a-z 0-9 _ -, each followed by "." (such as "amazon.")',
  (value) => value.length <= 64 && /^([A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?\.)+$/.test(value),
);

/** A tool as gateways name it: a server's prefix, and the tool's own name. */
export const toolName = line(256);

export const enabled = z.boolean(rule("must be true or false"));

/** A server's version, which PostgreSQL keeps as an integer of 4 bytes. */
export const version = z.int(rule("must be a whole number from 1")).check(
  z.minimum(1, "must be a whole number from 1"),
  z.maximum(2 ** 31 - 1, "must be a whole number from 1"),
);

const SERVICE_RULE = "must be 1 to 64 of A-Z a-z 0-9 . _ : / -, and begin with a letter or a digit";
const SERVICE_FORM = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$/;

export const service = text(SERVICE_RULE, (value) => SERVICE_FORM.test(value));

export const credentialType = text(SERVICE_RULE, (value) => SERVICE_FORM.test(value));

export const credentialId = z.guid(rule("must be a credential's UUID"));

/** Passes the parsed object on by reference: a copy would lose a member named `__proto__`. */
export const credentials = z.custom<Record<string, unknown>>(
  isCredentials,
  rule("must be a JSON object with at least one member, 64 KiB at most as JSON"),
);

function isCredentials(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length > 0 &&
    byteLength(JSON.stringify(value)) <= MAX_CREDENTIALS_BYTES;
}

/** A query's choice among words. */
export function oneOf(words: readonly string[]) {
  return z.enum(words, rule(`must be one of ${words.join(", ")}`));
}

/** A query's flag: `true` or `false`. */
export const flag = z.pipe(oneOf(["true", "false"]), z.transform((v) => v === "true"));

/** A query's page size, 1 to 1,000. */
export const limit = z._default(
  z.pipe(text(`must be a whole number from 1 to ${MAX_PAGE}`, isPageSize), z.transform(Number)),
  MAX_PAGE,
);

function isPageSize(value: string): boolean {
  return /^[1-9]\d{0,3}$/.test(value) && Number(value) <= MAX_PAGE;
}

export const CURSOR_RULE = "must be the next_cursor of a page of this tenant's, unchanged";

/** A query's cursor, whose sort key has that many parts, each in a form that SQL takes. */
export function cursor(sortKeyParts: number, isGood: (cursor: Cursor) => boolean = () => true) {
  const read = (value: string) => {
    const position = decodeCursor(value, sortKeyParts);
    return position !== undefined && isGood(position) ? position : undefined;
  };
  return z.pipe(text(CURSOR_RULE, (value) => read(value) !== undefined), z.transform(read));
}

/** A query's moment, RFC 3339, in the years and offsets that PostgreSQL has too. */
export const time = text(
  "must be an RFC 3339 time such as 2026-02-23T12:00:00Z; the + of an offset is sent as %2B",
  isTime,
);

const TIME_FORM = z.iso.datetime({ offset: true });

function isTime(value: string): boolean {
  return TIME_FORM.safeParse(value).success && /^(?!0000).*(\.\d{1,6})?(Z|[+-](0\d|1[0-4]):[0-5]\d)$/.test(value);
}

/** The position of an event: the moment and the id of the last one seen. */
export const eventCursor = cursor(2, ([, time = "", id]) => isTime(time) && z.guid().safeParse(id).success);

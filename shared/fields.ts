/**
 * The fields of requests. Each rule stands a second time as a CHECK constraint in its table.
 * Lengths of text are in code points, sizes in UTF-8 bytes.
 */

import * as z from "zod/mini";
import { decodeCursor } from "./cursor.ts";

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

export const enabled = z.boolean(rule("must be true or false"));

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

/** A query's flag: `true` or `false`. */
export const flag = z.pipe(z.enum(["true", "false"], rule("must be true or false")), z.transform((v) => v === "true"));

/** A query's page size, 1 to 1,000. */
export const limit = z._default(
  z.pipe(text(`must be a whole number from 1 to ${MAX_PAGE}`, isPageSize), z.transform(Number)),
  MAX_PAGE,
);

function isPageSize(value: string): boolean {
  return /^[1-9]\d{0,3}$/.test(value) && Number(value) <= MAX_PAGE;
}

export const CURSOR_RULE = "must be the next_cursor of a page of this tenant's, unchanged";

/** A query's cursor, whose sort key has that many parts. */
export function cursor(sortKeyParts: number) {
  return z.pipe(
    text(CURSOR_RULE, (value) => decodeCursor(value, sortKeyParts) !== undefined),
    z.transform((value) => decodeCursor(value, sortKeyParts)),
  );
}

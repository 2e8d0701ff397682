/**
 * The fields of requests. The database checks each rule again, for its table.
 * Lengths of text are in code points, sizes in UTF-8 bytes.
 *
 * A field is created when it is first used, so a cold start creates only the fields of the endpoint that is called.
 *
 * A custom rule has JSON Schema keywords for the document. The keywords may be looser than the rule, but never stricter:
 * the rule refuses every value that the document refuses.
 */

import * as z from "zod/mini";
import { type Cursor, decodeCursor } from "./paging.ts";
import { documented, type Keywords } from "./annotate.ts";
import { once } from "../lazy.ts";
import { normalizeTime } from "./rfc3339.ts";

// deno-lint-ignore no-control-regex -- it must match control characters
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;
/** Format characters (Cf). A joiner is allowed inside a word, between characters that are neither space nor joiner. */
const FORMAT = /(?![\u200c\u200d])\p{Cf}|(?<=^|[\s\u200c\u200d])[\u200c\u200d]|[\u200c\u200d](?=$|\s)/u;
const MAX_CREDENTIALS_BYTES = 64 * 1024;
const MAX_ARGS_BYTES = 32 * 1024;
const MAX_PAGE = 1000;

/** The error message of a field. A missing field has its own message. */
function rule(text: string): { error: (issue: { input?: unknown }) => string } {
  return { error: ({ input }) => input === undefined ? "is required" : text };
}

function text(words: string, isGood: (value: string) => boolean, keywords: Keywords) {
  const schema = z.string(rule(words)).check(z.refine(isGood, { error: words }));
  return documented(schema, { description: words, ...keywords });
}

/** Text that must match a pattern. */
function formed(words: string, form: RegExp, examples: string[]) {
  return text(words, (value) => form.test(value), { pattern: form.source, examples });
}

/** Free text of limited length, on one line, and not blank. */
function line(maxLength: number, examples: string[]) {
  const words = `must be 1 to ${maxLength} characters, not blank, without control or format characters`;
  const isGood = (value: string) => isLine(value, maxLength) && value.trim() !== "";
  return text(words, isGood, { ...lineKeywords(maxLength), pattern: "\\S", examples });
}

function lineKeywords(maxLength: number): Keywords {
  return { minLength: 1, maxLength, not: { pattern: CONTROL.source } };
}

function isLine(value: string, maxLength: number): boolean {
  const length = [...value].length;
  return length >= 1 && length <= maxLength && !CONTROL.test(value) && !FORMAT.test(value) && value.isWellFormed();
}

function byteLength(value: string): number {
  return new TextEncoder().encode(value).byteLength;
}

export const tenantId = once(() =>
  documented(z.guid(rule("must be a tenant's UUID")), {
    description:
      "the tenant to act for. Required with a kernel's key. With an agent's key, it must be the agent's own tenant",
    examples: ["0b7f2c1e-6c1c-4a52-9d27-3a1c0f0d9b11"],
  })
);

export const serverId = once(() =>
  formed(
    "must be 1 to 128 of A-Z a-z 0-9 @ . _ : / -, and begin with a letter, a digit or @",
    /^[A-Za-z0-9@][A-Za-z0-9@._:/-]{0,127}$/,
    ["my-amazon-server"],
  )
);

export const serverName = once(() => line(200, ["My Amazon MCP Server"]));

export const command = once(() => line(1024, ["node"]));

const ARGS_RULE =
  "must be 1 to 128 strings of 1 to 4096 characters without control or format characters, 32 KiB together";
const MAX_ARGS = 128;
const MAX_ARG_LENGTH = 4096;

export const args = once(() =>
  documented(z.custom<string[]>(isArgumentList, rule(ARGS_RULE)), {
    description: ARGS_RULE,
    type: "array",
    items: { type: "string", ...lineKeywords(MAX_ARG_LENGTH) },
    minItems: 1,
    maxItems: MAX_ARGS,
    examples: [["@mycompany/amazon-mcp-server"]],
  })
);

/** Checks the length first, so that a list of 64,000 elements is not scanned. */
function isArgumentList(args: unknown): boolean {
  return Array.isArray(args) && args.length >= 1 && args.length <= MAX_ARGS &&
    args.every((arg) => typeof arg === "string" && isLine(arg, MAX_ARG_LENGTH)) &&
    args.reduce<number>((bytes, arg) => bytes + byteLength(arg), 0) <= MAX_ARGS_BYTES;
}

const MAX_PREFIX_LENGTH = 64;
/** The hub's own tools begin with it. */
const RESERVED_PREFIX = /^[Hh][Uu][Bb]\./;
const PREFIX_FORM = /^([A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?\.)+$/;

export const toolPrefix = once(() =>
  text(
    'must be at most 64 characters: segments of A-Z a-z 0-9 _ -, each followed by "." (such as "amazon."); ' +
      '"hub." is for the hub\'s own tools',
    (value) => value.length <= MAX_PREFIX_LENGTH && PREFIX_FORM.test(value) && !RESERVED_PREFIX.test(value),
    {
      maxLength: MAX_PREFIX_LENGTH,
      pattern: PREFIX_FORM.source,
      not: { pattern: RESERVED_PREFIX.source },
      examples: ["amazon."],
    },
  )
);

/** A tool's full name, as gateways use it: the server's prefix, then the tool's own name. */
export const toolName = once(() => line(256, ["amazon.search"]));

/** A resource's full URI, or a template of URIs: the server's prefix, then the URI on that server. */
export const resourceUri = once(() => line(2048, ["amazon.order://4711"]));

export const enabled = once(() =>
  documented(z.boolean(rule("must be true or false")), {
    description: "whether the server's tools may be called",
  })
);

/** A server's version. PostgreSQL stores it as an integer of 4 bytes. */
export const version = once(() =>
  documented(
    z.int(rule("must be a whole number from 1")).check(
      z.minimum(1, "must be a whole number from 1"),
      z.maximum(2 ** 31 - 1, "must be a whole number from 1"),
    ),
    {
      description: "the version that the server must have, otherwise 412. The header If-Match does the same",
      examples: [3],
    },
  )
);

const SERVICE_RULE = "must be 1 to 64 of A-Z a-z 0-9 . _ : / -, and begin with a letter or a digit";
const SERVICE_FORM = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$/;

export const service = once(() => formed(SERVICE_RULE, SERVICE_FORM, ["amazon"]));

export const credentialType = once(() => formed(SERVICE_RULE, SERVICE_FORM, ["api_key"]));

export const credentialId = once(() =>
  documented(z.guid(rule("must be a credential's UUID")), {
    description: "the credential's id",
    examples: ["7d1f4a52-2f0e-4c6a-8a55-5f1f6f1f0c21"],
  })
);

/** Its signature and its claims are checked later. */
export const decisionToken = once(() =>
  formed("must be the hub's decision, a compact JWS", /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/, [
    "header.payload.signature",
  ])
);

const CREDENTIALS_RULE = "must be a JSON object with at least one member, 64 KiB at most as JSON";

/** Returns the parsed object itself: a copy would lose a member named `__proto__`. */
export const credentials = once(() =>
  documented(
    z.custom<Record<string, unknown>>(isCredentials, rule(CREDENTIALS_RULE)),
    {
      id: "Credentials",
      description: CREDENTIALS_RULE,
      type: "object",
      minProperties: 1,
      additionalProperties: true,
      examples: [{ api_key: "the service's key", secret_key: "the service's secret" }],
    },
  )
);

function isCredentials(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length > 0 &&
    byteLength(JSON.stringify(value)) <= MAX_CREDENTIALS_BYTES;
}

/** One of several words, in a query. */
export function oneOf(words: readonly string[], keywords: Keywords = {}) {
  const rules = `must be one of ${words.join(", ")}`;
  return documented(z.enum(words, rule(rules)), { description: rules, ...keywords });
}

/** A flag in a query: `true` or `false`. The document describes it as a boolean. */
export const flag = once(() =>
  z.pipe(
    text("must be one of true, false", (value) => value === "true" || value === "false", { type: "boolean" }),
    z.transform((v) => v === "true"),
  )
);

const PAGE_RULE = `must be a whole number from 1 to ${MAX_PAGE}`;

/** A page size in a query, 1 to 1,000. The document describes it as an integer. */
export const limit = once(() =>
  z._default(
    z.pipe(
      text(PAGE_RULE, isPageSize, {
        description: `${PAGE_RULE}; the default is ${MAX_PAGE}`,
        type: "integer",
        minimum: 1,
        maximum: MAX_PAGE,
        examples: [100],
      }),
      z.transform(Number),
    ),
    MAX_PAGE,
  )
);

function isPageSize(value: string): boolean {
  return /^[1-9]\d{0,3}$/.test(value) && Number(value) <= MAX_PAGE;
}

export const CURSOR_RULE = "must be an unchanged next_cursor from a page of this tenant";

/** A cursor in a query. Its sort key must have that many parts, and pass `isGood`, so that SQL accepts it. */
export function cursor(sortKeyParts: number, isGood: (cursor: Cursor) => boolean = () => true) {
  const read = (value: string) => {
    const position = decodeCursor(value, sortKeyParts);
    return position !== undefined && isGood(position) ? position : undefined;
  };
  return z.pipe(text(CURSOR_RULE, (value) => read(value) !== undefined, { minLength: 1 }), z.transform(read));
}

const TIME_RULE = "must be an RFC 3339 time such as 2026-02-23T12:00:00Z; encode the + of an offset as %2B";

/** A time in a query, normalized for SQL. */
export const time = once(() =>
  z.pipe(
    text(TIME_RULE, isTime, { format: "date-time", examples: ["2026-02-23T12:00:00Z"] }),
    z.transform((value: string) => normalizeTime(value)),
  )
);

function isTime(value: string): boolean {
  return normalizeTime(value) !== undefined;
}

/** The position of an event: the time and the id of the last event seen. */
export const eventCursor = once(() => cursor(2, ([, time = "", id]) => isTime(time) && z.guid().safeParse(id).success));

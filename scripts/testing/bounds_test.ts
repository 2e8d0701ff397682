/** The bounds of fields stand twice: in shared/fields.ts and as CHECK constraints. Both must say the same of every value. */

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { decodeBase64 } from "@std/encoding/base64";
import { encodeHex } from "@std/encoding/hex";
import * as fc from "fast-check";
import postgres from "postgres";
import * as fields from "shared/fields.ts";
import { importKeyring } from "shared/keyring.ts";
import { seal } from "shared/seal.ts";
import type { ProjectName } from "../stack/projects.ts";
import { type ScratchCluster, startCluster } from "./cluster.ts";

interface Field {
  project: ProjectName;
  column: string;
  schema: { safeParse(value: unknown): { success: boolean } };
  samples: unknown[];
  arbitrary: fc.Arbitrary<unknown>;
  /** Changes of the constraint, as text to replace in its definition, each of which the samples must show. */
  slips: [from: string, to: string][];
}

/** Tells what the database says of a whole row: `accepted`, or the constraint or column that refuses it. */
const VERDICT = `
  create function pg_temp.verdict(given jsonb) returns text language plpgsql as $$
  declare
    refusing text;
  begin
    insert into public.TABLE select * from jsonb_populate_record(null::public.TABLE, given);
    raise exception using errcode = 'ZZ000', message = 'undoes the insert';
  exception
    when sqlstate 'ZZ000' then
      return 'accepted';
    when check_violation then
      get stacked diagnostics refusing = constraint_name;
      return refusing;
    when not_null_violation then
      get stacked diagnostics refusing = column_name;
      return refusing;
    -- An array whose rows differ in length is none.
    when invalid_text_representation then
      return 'malformed array';
  end
  $$`;

const TABLES: Record<ProjectName, string> = {
  "governance-hub": "tenant_mcp_servers",
  "key-vault-executor": "tenant_credentials",
};

const TENANT_ID = crypto.randomUUID();
const NOW = new Date().toISOString();
const ROWS: Record<ProjectName, Record<string, unknown>> = {
  "governance-hub": {
    id: crypto.randomUUID(),
    tenant_id: TENANT_ID,
    server_id: "a",
    name: "a",
    command: "a",
    args: ["a"],
    tool_prefix: "a.",
    enabled: true,
    created_at: NOW,
    updated_at: NOW,
  },
  "key-vault-executor": {
    id: crypto.randomUUID(),
    tenant_id: TENANT_ID,
    service: "a",
    credential_type: "a",
    encrypted_credentials: `\\x${"00".repeat(34)}`,
    encryption_key_id: "a",
    created_at: NOW,
    updated_at: NOW,
  },
};

const KEY = "\u{1f511}";
/** What lengths are measured in: 1 to 4 bytes, 1 and 2 UTF-16 units, and two code points to a letter. */
const FILLERS = ["a", "\u00e9", "e\u0301", "\uffff", KEY, "\u{10ffff}"];

const WHITE_SPACE = range(0, 0xffff).filter((character) => character.trim() === "");
const BESIDE_WHITE_SPACE = WHITE_SPACE.flatMap((character) => {
  const point = character.charCodeAt(0);
  return range(Math.max(point - 1, 0), point + 1);
});
const EDGES = [
  ...new Set([
    ...range(0, 0xa1),
    ...WHITE_SPACE,
    ...BESIDE_WHITE_SPACE,
    // Invisible ones, a letter with marks, digits and letters that look like ASCII or fold to it.
    ..."\u0301\u180e\u200b\u200c\u200d\u2060\u20dd\u2800\u3164\ufe0f\u0660\uff21\uff10\u212a\u1e9e\u0130\u0131",
    ...["\ud7ff", "\ue000", "\ufdd0", "\ufffd", "\ufffe", "\uffff", "e\u0301", KEY, "\u{e0001}", "\u{10ffff}"],
    ...["\ud800", "\udbff", "\udc00", "\udfff", "\udd11\ud83d"],
  ]),
];

const CONTROL_SLIPS: Field["slips"] = [
  ["\\u0001-", "\\u0002-"],
  ["-\\u001f", "-\\u001e"],
  ["\\u007f-", "\\u0080-"],
  ["-\\u009f", "-\\u009e"],
];

function lengthSlips(maxLength: number): Field["slips"] {
  return [
    [`<= ${maxLength}`, `<= ${maxLength - 1}`],
    [`<= ${maxLength}`, `<= ${maxLength + 1}`],
    ["(char_length(", "(octet_length("],
  ];
}

const BLANK_SLIPS: Field["slips"] = [
  ["\\u00a0", ""],
  ["\\u200a", "\\u2009"],
  ["\\u200a", "\\u200b"],
  ["\\ufeff", ""],
  ["[^\\u0020", "[^\\u0021"],
];

const FIELDS: Field[] = [
  {
    project: "governance-hub",
    column: "server_id",
    schema: fields.serverId,
    samples: textSamples(128),
    arbitrary: text(128),
    slips: [["{0,127}", "{0,126}"], ["{0,127}", "{0,128}"], ["}$", "}"], ["^[A", "[A"], [
      "[A-Za-z0-9@][",
      "[A-Za-z0-9@.][",
    ]],
  },
  {
    project: "governance-hub",
    column: "name",
    schema: fields.serverName,
    samples: textSamples(200),
    arbitrary: text(200),
    slips: [...lengthSlips(200), ...CONTROL_SLIPS, ...BLANK_SLIPS],
  },
  {
    project: "governance-hub",
    column: "command",
    schema: fields.command,
    samples: textSamples(1024),
    arbitrary: text(1024),
    // Its other parts are those of name, and so are its samples.
    slips: lengthSlips(1024),
  },
  {
    project: "governance-hub",
    column: "args",
    schema: fields.args,
    samples: argsSamples(),
    arbitrary: fc.oneof(
      fc.array(text(4096), { maxLength: 3 }),
      fc.tuple(fc.integer({ min: 126, max: 130 }), fc.constantFrom(...FILLERS)).map(([count, arg]) => fill(count, arg)),
      fc.array(fc.constantFrom(...FILLERS.map((filler) => ofLength(filler, 4096))), { maxLength: 9 }),
    ),
    slips: [
      ["and 128", "and 127"],
      ["and 128", "and 129"],
      ["between 1 and 4096", "between 0 and 4096"],
      ["and 4096", "and 4095"],
      ["and 4096", "and 4097"],
      ["<= 32768", "<= 32767"],
      ["<= 32768", "<= 32769"],
      ["octet_length", "char_length"],
      ["char_length(arg)", "octet_length(arg)"],
      ["array_ndims(args) = 1", "array_ndims(args) > 0"],
      ["u009f]', false)", "u009f]', true)"],
      ...CONTROL_SLIPS,
    ],
  },
  {
    project: "governance-hub",
    column: "tool_prefix",
    schema: fields.toolPrefix,
    samples: prefixSamples(),
    arbitrary: fc.oneof(
      text(63, "aZ09_-").map((prefix) => `${prefix}.`),
      fc.array(text(8, "aZ09_-"), { minLength: 1, maxLength: 3 }).map((segments) =>
        segments.map((s) => `${s}.`).join("")
      ),
    ),
    slips: [
      ["<= 64", "<= 63"],
      ["<= 64", "<= 65"],
      ["\\.)+$", "\\.)+"],
      ["\\.)+$", "\\.?)+$"],
      ["^([", "(["],
      ["^([A-Za-z0-9]", "^([A-Za-z0-9_]"],
      ["[A-Za-z0-9])?", "[A-Za-z0-9-])?"],
      ["_-]*", "_]*"],
    ],
  },
  ...(["service", "credential_type"] as const).map((column): Field => ({
    project: "key-vault-executor",
    column,
    schema: column === "service" ? fields.service : fields.credentialType,
    samples: textSamples(64),
    arbitrary: text(64),
    slips: [["{0,63}", "{0,62}"], ["{0,63}", "{0,64}"], ["}$", "}"], ["^[A", "[A"], ["[A-Za-z0-9][", "[A-Za-z0-9@]["]],
  })),
];

const connections = new Map<ProjectName, postgres.Sql>();
let cluster: ScratchCluster | undefined;

Deno.test.beforeAll(async () => {
  cluster = await startCluster();
  for (const [project, table] of Object.entries(TABLES) as [ProjectName, string][]) {
    const database = await cluster.createProject(project);
    const sql = postgres(cluster.url("postgres", database), { max: 1, onnotice: () => {} });
    connections.set(project, sql);
    await sql.unsafe(VERDICT.replaceAll("TABLE", table));
  }
  const hub = connectionOf("governance-hub");
  await hub`insert into public.organizations (name) values ('acme')`;
  await hub`insert into public.tenants (id, organization_id, name) select ${TENANT_ID}, id, 'shop' from organizations`;
});
Deno.test.afterAll(async () => {
  for (const sql of connections.values()) await sql.end();
  await cluster?.stop();
});

for (const field of FIELDS) {
  Deno.test(`zod and the CHECK of ${field.column} agree at each edge and one past it`, async () => {
    const verdicts = await ask(field, field.samples);
    assertEquals(disagreements(field, field.samples, verdicts), []);
    assert(verdicts.includes("accepted") && verdicts.includes(`${field.column}_form`));
  });

  Deno.test(`zod and the CHECK of ${field.column} agree on random values`, async () => {
    const count = { accepted: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(field.arbitrary, async (value) => {
        const verdicts = await ask(field, [value]);
        assertEquals(disagreements(field, [value], verdicts), []);
        count[verdicts[0] === "accepted" ? "accepted" : "refused"]++;
      }),
      { numRuns: 300 },
    );
    assert(count.accepted >= 10 && count.refused >= 10, JSON.stringify(count));
  });

  Deno.test(`samples of ${field.column} show each slip of its CHECK`, async () => {
    const constraint = `${field.column}_form`;
    for (const [from, to] of field.slips) {
      await rolledBack(field.project, async (sql) => {
        await replaceInConstraint(sql, TABLES[field.project], constraint, from, to);
        const found = disagreements(field, field.samples, await ask(field, field.samples));
        assertNotEquals(found, [], `${from} → ${to}`);
      });
    }
  });
}

/** What the column has room for, in bytes of JSON: the sealed bytes are 28 more. */
const SIZE_SLIPS: Field["slips"] = [["<= 65564", "<= 65563"], ["<= 65564", "<= 65565"], [">= 34", ">= 35"], [
  ">= 34",
  ">= 33",
]];

Deno.test("zod's size of credentials and the CHECK of their sealed bytes agree at each edge and one past it", async () => {
  assertEquals(await sizeDisagreements(), []);
});

Deno.test("sizes of encrypted_credentials show each slip of its CHECK", async () => {
  for (const [from, to] of SIZE_SLIPS) {
    await rolledBack("key-vault-executor", async (sql) => {
      await replaceInConstraint(sql, "tenant_credentials", "encrypted_credentials_size", from, to);
      assertNotEquals(await sizeDisagreements(), [], `${from} → ${to}`);
    });
  }
});

async function sizeDisagreements(): Promise<string[]> {
  const found: string[] = [];
  const keyring = await importKeyring(new Uint8Array(32), []);
  const values = [{}, { "": 0 }, ...[65535, 65536, 65537].flatMap(credentialsOfSize)];
  for (const value of values) {
    const json = JSON.stringify(value);
    const { sealed } = await seal(keyring, { tenantId: TENANT_ID, service: "a", credentialType: "a" }, json);
    const verdict = await askSealed(decodeBase64(sealed));
    const isAccepted = fields.credentials.safeParse(value).success;
    if (isAccepted !== (verdict === "accepted")) found.push(`${json.slice(0, 20)} … ${json.length}: ${verdict}`);
  }
  if (await askSealed(new Uint8Array(33)) === "accepted") found.push("33 bytes: accepted");
  return found;
}

/** Credentials that are this long as UTF-8 JSON, of characters that JSON prints with 1 to 6 bytes. */
function credentialsOfSize(bytes: number): Record<string, string>[] {
  const sizeOf = (text: string) => new TextEncoder().encode(JSON.stringify({ k: text })).byteLength;
  return [...FILLERS, "\n", "\0", "\ud800", '"'].map((filler) => {
    const room = bytes - sizeOf("");
    const count = Math.floor(room / (sizeOf(filler) - sizeOf("")));
    const value = { k: filler.repeat(count) };
    value.k += "a".repeat(bytes - sizeOf(value.k));
    assertEquals(sizeOf(value.k), bytes);
    return value;
  });
}

async function askSealed(bytes: Uint8Array): Promise<string> {
  const [verdict] = await askRows("key-vault-executor", "encrypted_credentials", [`\\x${encodeHex(bytes)}`]);
  return verdict ?? "";
}

/** What the database says of each value. NUL and lone surrogates cannot be sent to it as text. */
async function ask({ project, column }: Field, values: unknown[]): Promise<string[]> {
  const verdicts = await askRows(project, column, values.filter(canBeSent));
  return values.map((value) => canBeSent(value) ? verdicts.shift() ?? "" : "cannot be sent");
}

async function askRows(project: ProjectName, column: string, values: unknown[]): Promise<string[]> {
  const row = JSON.stringify(ROWS[project]);
  const rows = await connectionOf(project)`
    select pg_temp.verdict(${row}::text::jsonb || jsonb_build_object(${column}::text, value)) as verdict
    from jsonb_array_elements(${JSON.stringify(values)}::text::jsonb) with ordinality as listed (value, position)
    order by position`;
  return rows.map(({ verdict }) => String(verdict));
}

/** Values that zod and the database tell apart, or that another constraint than the column's own refused. */
function disagreements({ column, schema }: Field, values: unknown[], verdicts: string[]): string[] {
  const known = ["accepted", `${column}_form`, column, "malformed array", "cannot be sent"];
  return values.flatMap((value, i) => {
    const verdict = verdicts[i] ?? "";
    const isGood = schema.safeParse(value).success;
    return isGood === (verdict === "accepted") && known.includes(verdict)
      ? []
      : [`${ascii(value)}: zod ${isGood ? "accepts" : "refuses"}, the database says ${verdict}`];
  });
}

function canBeSent(value: unknown): boolean {
  return [value].flat(Infinity).every((part) =>
    typeof part !== "string" || part.isWellFormed() && !part.includes("\0")
  );
}

/** The value in ASCII, cut, and its length in code points. */
function ascii(value: unknown): string {
  const json = JSON.stringify(value);
  const escaped = json.slice(0, 60).replace(
    /[^ -~]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return `${escaped} (${[...json].length})`;
}

function connectionOf(project: ProjectName): postgres.Sql {
  const sql = connections.get(project);
  assert(sql !== undefined);
  return sql;
}

async function rolledBack(project: ProjectName, work: (sql: postgres.Sql) => Promise<void>): Promise<void> {
  const sql = connectionOf(project);
  await sql.unsafe("begin");
  try {
    await work(sql);
  } finally {
    await sql.unsafe("rollback");
  }
}

/** Replaces text in a CHECK constraint, or in the function that it calls. */
async function replaceInConstraint(
  sql: postgres.Sql,
  table: string,
  name: string,
  from: string,
  to: string,
): Promise<void> {
  const [row] = name === "args_form"
    ? await sql`select pg_get_functiondef('private.is_argument_list'::regproc) as definition`
    : await sql`select pg_get_constraintdef(oid) as definition from pg_constraint where conname = ${name}`;
  const definition = String(row?.definition);
  const replaced = definition.replaceAll(from, () => to);
  assertNotEquals(replaced, definition, `${from} is not in ${definition}`);
  await sql.unsafe(
    name === "args_form"
      ? replaced
      : `alter table public.${table} drop constraint ${name}, add constraint ${name} ${replaced}`,
  );
}

/** The characters of a range of UTF-16 units, both ends included. */
function range(first: number, last: number): string[] {
  return Array.from({ length: last - first + 1 }, (_, i) => String.fromCharCode(first + i));
}

function fill<T>(count: number, value: T): T[] {
  return Array.from({ length: count }, () => value);
}

/** Repeats the filler until the text has that many code points. */
function ofLength(filler: string, length: number): string {
  const points = [...filler];
  return Array.from({ length }, (_, i) => points[i % points.length]).join("");
}

/** Null, the lengths about a bound, and each edge character alone, first, last and in the middle. */
function textSamples(maxLength: number): unknown[] {
  const lengths = [0, 1, 2, maxLength / 2, maxLength / 2 + 1, maxLength - 1, maxLength, maxLength + 1];
  return [
    null,
    ...lengths.flatMap((length) => FILLERS.map((filler) => ofLength(filler, length))),
    ...EDGES.flatMap((edge) => [edge, `a${edge}`, `${edge}a`, `a${edge}b`]),
    // Lengths at the bound whose last code point is an edge character.
    ...["\n", " ", "\u0301", KEY].flatMap((edge) =>
      [maxLength - 1, maxLength].map((length) => "a".repeat(length) + edge)
    ),
    WHITE_SPACE.join(""),
    WHITE_SPACE.filter((character) => character > "\u009f").join(""),
    `${WHITE_SPACE.filter((character) => character > "\u009f").join("")}a`,
  ];
}

function prefixSamples(): unknown[] {
  const texts = textSamples(64).filter((value) => typeof value === "string");
  return [
    ...textSamples(64),
    ...texts.map((value) => `${value}.`),
    ...texts.map((value) => `a.${value}.`),
    ...[62, 63, 64].flatMap((length) => FILLERS.map((filler) => `${ofLength(filler, length)}.`)),
    ...[31, 32, 33].map((segments) => "a.".repeat(segments)),
    ...["..", "a..", ".a.", "a..b.", "a.b", "a.b.c", "a-.", "-a.", "a_.", "_a.", "a-_b.", "a--b.", "a__b.", "-.", "_."],
    ...["A.b.C.", "0.", "0-0.", "a.-b.", "a.b-.", "a.\n", "a.\nb.", "a. ", " a.", "a.b.\n"],
  ];
}

function argsSamples(): unknown[] {
  const texts = textSamples(4096);
  const full = (filler: string, bytes: number) => {
    const size = new TextEncoder().encode(filler).byteLength;
    const count = Math.floor(bytes / size);
    const text = [...filler.repeat(count)];
    const parts = [];
    while (text.length > 0) parts.push(text.splice(0, 4096).join(""));
    return [...parts, ...fill(bytes - count * size, "a")];
  };
  return [
    null,
    ...texts.map((value) => [value]),
    ...EDGES.map((edge) => ["a", edge, "b"]),
    ...[0, 1, 2, 127, 128, 129].flatMap((count) => FILLERS.map((filler) => fill(count, filler))),
    ...[32767, 32768, 32769].flatMap((bytes) => FILLERS.map((filler) => full(filler, bytes))),
    // 128 arguments, and 32 KiB of them.
    ...[3471, 3472, 3473].map((rest) => [...fill(126, "a".repeat(200)), "a".repeat(4096), "a".repeat(rest)]),
    // Nested arrays, which PostgreSQL takes for one of more dimensions, and null elements.
    ...[[[]], [["a"]], [["a", "b"]], [["a"], ["b"]], [["a"], ["b", "c"]], [[["a"]]]],
    ...[[null], ["a", null], [null, "a"]],
  ];
}

/** A text whose length is about nothing or about the bound, with edge characters at both ends. */
function text(maxLength: number, letters = "aZ09._-/:@"): fc.Arbitrary<string> {
  const character = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...letters) },
    { weight: 1, arbitrary: fc.constantFrom(...EDGES) },
  );
  const some = fc.array(character, { maxLength: 3 }).map((characters) => characters.join(""));
  const length = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: maxLength - 6, max: maxLength + 1 }));
  const filler = fc.oneof(fc.constant("a"), fc.constantFrom(...FILLERS));
  return fc.tuple(some, length, filler, some).map(([head, length, filler, tail]) =>
    head + ofLength(filler, Math.max(length, 0)) + tail
  );
}

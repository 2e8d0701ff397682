/** shared/schema/request_fields.ts and the database both check the bounds of fields. They must agree on every value. */

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { decodeBase64 } from "@std/encoding/base64";
import { encodeHex } from "@std/encoding/hex";
import * as fc from "fast-check";
import postgres from "postgres";
import * as fields from "shared/schema/request_fields.ts";
import { importKeyring } from "shared/crypto/keyring.ts";
import { seal } from "shared/crypto/seal.ts";
import type { ProjectName } from "../../stack/projects.ts";
import { openCluster, type ScratchCluster } from "../support/cluster.ts";
import { type Field, FIELDS, FILLERS } from "../support/edges.ts";

/** Returns the database's verdict on a row: `accepted`, or the constraint or column that refuses it. */
const VERDICT = `
  create function pg_temp.verdict(given jsonb) returns text language plpgsql as $$
  declare
    refusing text;
  begin
    insert into public.TABLE (COLUMNS) select COLUMNS from jsonb_populate_record(null::public.TABLE, given);
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
    -- Nested lists of different lengths make no array.
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
    version: 1,
  },
  "key-vault-executor": {
    id: crypto.randomUUID(),
    tenant_id: TENANT_ID,
    service: "a",
    credential_type: "a",
    encrypted_credentials: `\\x${"00".repeat(34)}`,
    encryption_key_id: "0123456789abcdef",
    created_at: NOW,
    updated_at: NOW,
  },
};

const connections = new Map<ProjectName, postgres.Sql>();
let cluster: ScratchCluster | undefined;

Deno.test.beforeAll(async () => {
  cluster = await openCluster();
  for (const [project, table] of Object.entries(TABLES) as [ProjectName, string][]) {
    const database = await cluster.createProject(project);
    const sql = postgres(cluster.url("postgres", database), { max: 1, onnotice: () => {} });
    connections.set(project, sql);
    await sql.unsafe(VERDICT.replaceAll("TABLE", table).replaceAll("COLUMNS", Object.keys(ROWS[project]).join()));
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
  Deno.test(`zod and the database agree on ${field.column} at each edge and one past it`, async () => {
    const verdicts = await ask(field, field.samples);
    assertEquals(disagreements(field, field.samples, verdicts), []);
    assert(verdicts.includes("accepted") && verdicts.includes(constraintOf(field)));
  });

  Deno.test(`zod and the database agree on random values of ${field.column}`, async () => {
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

  Deno.test(`samples of ${field.column} find each wrong bound in the database`, async () => {
    for (const [from, to, called] of field.slips) {
      await rolledBack(field.project, async (sql) => {
        await replaceInConstraint(sql, TABLES[field.project], constraintOf(field), from, to, called);
        assert(await finds(field), `${from} → ${to}`);
      });
    }
  });
}

/** How many samples one statement tests. One that differs ends the search. */
const FEW_SAMPLES = 100;

/** The column's limit, in bytes of JSON. The sealed bytes are 28 more. */
const SIZE_SLIPS: Field["slips"] = [["and 65564", "and 65563"], ["and 65564", "and 65565"], [
  "between 34",
  "between 35",
], [
  "between 34",
  "between 33",
]];

Deno.test("zod and the database agree on the size of credentials at each edge and one past it", async () => {
  assertEquals(await sizeDisagreements(), []);
});

Deno.test("sizes of encrypted_credentials find each wrong bound in the database", async () => {
  for (const [from, to] of SIZE_SLIPS) {
    await rolledBack("key-vault-executor", async (sql) => {
      await replaceInConstraint(sql, "tenant_credentials", "credential_form", from, to);
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
    const isAccepted = fields.credentials().safeParse(value).success;
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

/** Whether some sample shows that the rules differ. */
async function finds(field: Field): Promise<boolean> {
  for (let first = 0; first < field.samples.length; first += FEW_SAMPLES) {
    const few = field.samples.slice(first, first + FEW_SAMPLES);
    if (disagreements(field, few, await ask(field, few)).length > 0) return true;
  }
  return false;
}

/** The database's verdict on each value. NUL and lone surrogates cannot be sent to it as text. */
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

/** Values on which zod and the database disagree, or that the constraint of another column refused. */
function disagreements(field: Field, values: unknown[], verdicts: string[]): string[] {
  const known = ["accepted", constraintOf(field), field.column, "malformed array", "cannot be sent"];
  return values.flatMap((value, i) => {
    const verdict = verdicts[i] ?? "";
    const isGood = field.schema.safeParse(value).success;
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

/** The value in ASCII, shortened, and its length in code points. */
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

function constraintOf({ column, constraint = `${column}_form` }: Field): string {
  return constraint;
}

/** The functions that check a constraint's rule, or that a trigger calls instead of a constraint. */
const CONSTRAINT_FUNCTIONS: Record<string, string> = {
  args_form: "private.is_argument_list",
  credential_form: "private.keep_credential_form",
};

/** Replaces text in a CHECK constraint, or in the function that checks its rule. */
async function replaceInConstraint(
  sql: postgres.Sql,
  table: string,
  name: string,
  from: string,
  to: string,
  called: string | undefined = CONSTRAINT_FUNCTIONS[name],
): Promise<void> {
  const [row] = called
    ? await sql`select pg_get_functiondef(${called}::regproc) as definition`
    : await sql`select pg_get_constraintdef(oid) as definition from pg_constraint where conname = ${name}`;
  const definition = String(row?.definition);
  const replaced = definition.replaceAll(from, () => to);
  assertNotEquals(replaced, definition, `${from} is not in ${definition}`);
  await sql.unsafe(
    called ? replaced : `alter table public.${table} drop constraint ${name}, add constraint ${name} ${replaced}`,
  );
}

/** Compares the specification's two tables with those that the migrations create. */

import { assertEquals, assertNotEquals } from "@std/assert";
import * as z from "zod/mini";
import type { RunSql } from "../../stack/project/migrations.ts";
import { withConnection } from "../../stack/postgres/cluster.ts";
import type { ProjectName } from "../../stack/projects.ts";
import { openCluster } from "../support/cluster.ts";

/** A table in the catalog: columns in order, everything else by name. */
interface Shape {
  columns: string[];
  constraints: string[];
  indexes: string[];
  triggers: string[];
}

interface Expectation {
  table: string;
  /** The statement, copied from the specification. */
  printed: string;
  /** The design's additions: columns, which replace printed ones of the same name, and everything else. */
  added: Shape;
  /** Edits of the table that the comparison must find, besides those of EDITS. */
  edits: string[];
}

const TIMES = [
  "created_at timestamp with time zone not null default now()",
  "updated_at timestamp with time zone not null default now()",
];

const FORM_TRIGGER = "CREATE TRIGGER credential_form AFTER INSERT OR UPDATE OF tenant_id, service, credential_type, " +
  "encrypted_credentials, encryption_key_id ON public.tenant_credentials " +
  "FOR EACH ROW EXECUTE FUNCTION private.keep_credential_form()";

const EXPECTATIONS: Record<ProjectName, Expectation> = {
  "governance-hub": {
    table: "tenant_mcp_servers",
    printed: `
      CREATE TABLE tenant_mcp_servers (
        id UUID PRIMARY KEY,
        tenant_id UUID NOT NULL REFERENCES tenants(id),
        server_id TEXT NOT NULL,
        name TEXT NOT NULL,
        command TEXT NOT NULL,
        args TEXT[] NOT NULL,
        tool_prefix TEXT NOT NULL,
        enabled BOOLEAN DEFAULT true,
        created_at TIMESTAMPTZ DEFAULT NOW(),
        updated_at TIMESTAMPTZ DEFAULT NOW(),
        UNIQUE(tenant_id, server_id)
      );`,
    added: {
      columns: [
        "id uuid not null default gen_random_uuid()",
        "enabled boolean not null default true",
        ...TIMES,
        "version integer not null default 1",
      ],
      constraints: [
        "args_form CHECK",
        "command_form CHECK",
        "name_form CHECK",
        "server_id_form CHECK",
        "tool_prefix_form CHECK",
      ],
      indexes: [
        "CREATE UNIQUE INDEX tenant_mcp_servers_tool_prefix_key ON public.tenant_mcp_servers " +
        'USING btree (tenant_id, lower((tool_prefix COLLATE "C")))',
      ],
      triggers: [
        "CREATE TRIGGER keep_tool_prefixes_apart AFTER INSERT OR UPDATE OF tool_prefix ON public.tenant_mcp_servers " +
        "FOR EACH ROW EXECUTE FUNCTION private.keep_tool_prefixes_apart()",
        ...[["insert", "NEW"], ["update", "NEW"], ["delete", "OLD"]].map(([verb = "", row]) =>
          `CREATE TRIGGER bump_revision_after_${verb} AFTER ${verb.toUpperCase()} ON public.tenant_mcp_servers ` +
          `REFERENCING ${row} TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION private.bump_revision()`
        ),
      ],
    },
    edits: [
      `alter table public.TABLE alter column name type text collate "C"`,
      "alter table public.TABLE alter column server_id type varchar(128)",
      "alter table public.TABLE drop constraint args_form",
      "alter table public.TABLE drop constraint TABLE_tenant_id_fkey",
      `alter table public.TABLE drop constraint TABLE_tenant_id_fkey,
        add foreign key (tenant_id) references public.tenants (id) on delete cascade`,
      "drop index public.TABLE_tool_prefix_key",
      "alter table public.TABLE disable trigger keep_tool_prefixes_apart",
      "drop trigger keep_tool_prefixes_apart on public.TABLE",
      "alter table public.TABLE disable trigger bump_revision_after_update",
      "alter table public.TABLE drop column version cascade",
    ],
  },
  "key-vault-executor": {
    table: "tenant_credentials",
    printed: `
      CREATE TABLE tenant_credentials (
        id UUID PRIMARY KEY,
        tenant_id TEXT NOT NULL,
        service TEXT NOT NULL,
        credential_type TEXT NOT NULL DEFAULT 'api_key',
        encrypted_credentials BYTEA NOT NULL,
        encryption_key_id TEXT NOT NULL DEFAULT 'default',
        created_at TIMESTAMPTZ DEFAULT NOW(),
        updated_at TIMESTAMPTZ DEFAULT NOW(),
        last_used_at TIMESTAMPTZ,
        UNIQUE(tenant_id, service, credential_type)
      );`,
    added: {
      columns: ["id uuid not null default gen_random_uuid()", ...TIMES],
      constraints: [],
      indexes: [
        "CREATE INDEX tenant_credentials_encryption_key_id_idx ON public.tenant_credentials " +
        "USING btree (encryption_key_id, id)",
      ],
      triggers: [
        FORM_TRIGGER,
        "CREATE TRIGGER admit_credential AFTER INSERT ON public.tenant_credentials " +
        "FOR EACH ROW EXECUTE FUNCTION private.admit_credential()",
        "CREATE TRIGGER release_credentials AFTER DELETE ON public.tenant_credentials " +
        "REFERENCING OLD TABLE AS deleted FOR EACH STATEMENT EXECUTE FUNCTION private.release_credentials()",
      ],
    },
    edits: [
      `drop trigger credential_form on public.TABLE;
        alter table public.TABLE alter column encryption_key_id type text collate "C"; ${FORM_TRIGGER}`,
      "alter table public.TABLE alter column created_at type timestamp",
      "alter table public.TABLE alter column last_used_at set default now()",
      "alter table public.TABLE alter column credential_type drop default",
      "alter table public.TABLE disable trigger credential_form",
      "drop trigger credential_form on public.TABLE",
      "alter table public.TABLE disable trigger admit_credential",
      "drop trigger release_credentials on public.TABLE",
      `alter table public.TABLE drop constraint TABLE_tenant_id_service_credential_type_key,
        add constraint TABLE_tenant_id_service_credential_type_key unique (tenant_id, service)`,
    ],
  },
};

const EDITS = [
  "alter table public.TABLE add column added text",
  "alter table public.TABLE drop column updated_at cascade",
  "alter table public.TABLE rename column updated_at to changed_at",
  "alter table public.TABLE alter column created_at drop not null",
  "alter table public.TABLE alter column created_at drop default",
  "alter table public.TABLE alter column created_at set default '2026-01-01'",
  "alter table public.TABLE drop column created_at cascade, add column created_at timestamptz not null default now()",
  "alter table public.TABLE drop constraint TABLE_pkey",
  "alter table public.TABLE rename constraint TABLE_pkey to renamed",
  "alter table public.TABLE add constraint added check (true)",
  "alter table public.TABLE add unique (created_at)",
  "alter table public.TABLE add foreign key (id) references public.TABLE (id)",
  "create index on public.TABLE (created_at)",
  "create trigger added before update on public.TABLE for each row execute function suppress_redundant_updates_trigger()",
];

/** `'TABLE'` is the table's qualified name. */
const READ_SHAPE = `
  set local search_path = '';
  select
    to_json(array(
      select concat_ws(' ', attname, format_type(atttypid, atttypmod),
        case when attcollation <> typcollation then 'collate ' || attcollation::regcollation end,
        case when attnotnull then 'not null' end,
        'default ' || pg_get_expr(adbin, adrelid),
        case when attgenerated <> '' then 'generated' end,
        case when attidentity <> '' then 'identity' end)
      from pg_attribute
      join pg_type on pg_type.oid = atttypid
      left join pg_attrdef on adrelid = attrelid and adnum = attnum
      where attrelid = 'TABLE'::regclass and attnum > 0 and not attisdropped
      order by attnum
    )) as columns,
    to_json(array(
      select conname || ' ' || case when contype = 'c' and convalidated then 'CHECK' else pg_get_constraintdef(oid) end
      from pg_constraint where conrelid = 'TABLE'::regclass
    )) as constraints,
    to_json(array(
      select pg_get_indexdef(indexrelid) from pg_index where indrelid = 'TABLE'::regclass
    )) as indexes,
    to_json(array(
      select pg_get_triggerdef(oid) || case when tgenabled = 'O' then '' else ' disabled' end
      from pg_trigger where tgrelid = 'TABLE'::regclass and not tgisinternal
    )) as triggers`;

const cluster = await openCluster();
Deno.test.afterAll(() => cluster.stop());

for (const project of ["governance-hub", "key-vault-executor"] satisfies ProjectName[]) {
  const expectation = EXPECTATIONS[project];
  const { table } = expectation;

  Deno.test(`${table} is the specification's, with the design's additions and no others`, async () => {
    await withProject(project, async (run) => {
      await run("begin");
      assertEquals(await readShape(run, `public.${table}`), await expectedShape(run, expectation));
    });
  });

  Deno.test(`${table} is no longer the specification's after any edit`, async () => {
    await withProject(project, async (run) => {
      for (const edit of [...EDITS, ...expectation.edits]) {
        await run("begin");
        await run(edit.replaceAll("TABLE", table));
        assertNotEquals(await readShape(run, `public.${table}`), await expectedShape(run, expectation), edit);
        await run("rollback");
      }
    });
  });
}

async function withProject(project: ProjectName, work: (run: RunSql) => Promise<void>): Promise<void> {
  const database = await cluster.createProject(project);
  await withConnection(cluster.url("postgres", database), work);
}

/** Creates the printed table in a separate schema, for the transaction, and adds the design's additions. */
async function expectedShape(run: RunSql, { table, printed, added }: Expectation): Promise<Shape> {
  await run(`create schema printed; set local search_path = printed, public; ${printed}`);
  const shape = await readShape(run, `printed.${table}`);
  const nameOf = (column: string) => column.split(" ")[0];
  const both = (names: string[], more: string[]) =>
    [...names.map((text) => text.replaceAll("printed.", "public.")), ...more].sort();
  return {
    columns: [
      ...shape.columns.map((column) => added.columns.find((other) => nameOf(other) === nameOf(column)) ?? column),
      ...added.columns.filter((column) => !shape.columns.some((other) => nameOf(other) === nameOf(column))),
    ],
    constraints: both(shape.constraints, added.constraints),
    indexes: both(shape.indexes, added.indexes),
    triggers: both(shape.triggers, added.triggers),
  };
}

async function readShape(run: RunSql, table: string): Promise<Shape> {
  const [row] = await run(READ_SHAPE.replaceAll("TABLE", table));
  const list = (value: unknown) => z.array(z.string()).parse(value);
  return {
    columns: list(row?.columns),
    constraints: list(row?.constraints).sort(),
    indexes: list(row?.indexes).sort(),
    triggers: list(row?.triggers).sort(),
  };
}

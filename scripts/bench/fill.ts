/**
 * Inserts rows in bulk, each with an event. One tenant has half of them. The other tenants have ten each, with their
 * own organization and keys.
 */

import type postgres from "postgres";
import type { ProjectName } from "../stack/projects.ts";

const ROWS_OF_OTHERS = 10;

/** The name of the large tenant's thing with this number. Names sort like their numbers. */
export function numbered(thing: "server" | "service", number: number): string {
  return `${thing}-${String(number).padStart(7, "0")}`;
}

/** How many of the rows the large tenant has. */
export function ownRows(rows: number): number {
  return rows / 2;
}

/** Fills a nearly empty database of a project as the tables' owner, without its triggers. */
export async function fill(owner: postgres.Sql, project: ProjectName, tenantId: string, rows: number): Promise<void> {
  const tenants = ownRows(rows) / ROWS_OF_OTHERS;
  const statements = project === "governance-hub"
    ? servers(tenantId, rows, tenants)
    : credentials(tenantId, rows, tenants);
  await owner.unsafe(statements).simple();
  await owner.unsafe("vacuum analyze");
}

function servers(tenantId: string, rows: number, tenants: number): string {
  const columns = "tenant_id, server_id, name, command, args, tool_prefix";
  const values = (tenant: string) =>
    `select ${tenant}, 'server-' || lpad(number::text, 7, '0'), 'A server', 'node', '{server.js}', 'p' || number || '.'`;
  return `
    insert into public.organizations (name) select 'other ' || number from generate_series(1, ${tenants}) as number;
    insert into public.tenants (organization_id, name)
      select id, 'other' from public.organizations where name like 'other %';
    insert into public.api_keys (tenant_id, name, display_prefix, key_sha256)
      select id, 'agent', 'mcp_test', sha256(decode(replace(id::text, '-', ''), 'hex')) from public.tenants where name = 'other';
    insert into public.kernels (organization_id, name, display_prefix, key_hmac)
      select id, 'kernel', 'krn_test', sha256(decode(replace(id::text, '-', ''), 'hex')) from public.organizations;
    alter table public.tenant_mcp_servers disable trigger user;
    insert into public.tenant_mcp_servers (${columns})
      ${values(`'${tenantId}'::uuid`)} from generate_series(1, ${ownRows(rows)}) as number;
    insert into public.tenant_mcp_servers (${columns})
      ${values("tenant.id")} from public.tenants as tenant, generate_series(1, ${ROWS_OF_OTHERS}) as number
      where tenant.name = 'other';
    alter table public.tenant_mcp_servers enable trigger user;
    insert into public.tenant_server_revisions (tenant_id, server_count)
      select tenant_id, count(*) from public.tenant_mcp_servers group by tenant_id;
    update public.tenants set max_servers = ${2 * rows} where id = '${tenantId}';
    insert into public.mcp_server_events
      (tenant_id, occurred_at, action, server_id, registration_id, version, actor_kind, actor_id)
      select tenant_id, now() - random() * interval '30 days', 'register', server_id, id, 1, 'agent', gen_random_uuid()
      from public.tenant_mcp_servers`;
}

function credentials(tenantId: string, rows: number, tenants: number): string {
  return `
    alter table public.tenant_credentials disable trigger user;
    insert into public.tenant_credentials
      (tenant_id, service, credential_type, encrypted_credentials, encryption_key_id)
    select
      case when number <= ${ownRows(rows)} then '${tenantId}' else md5('other-' || number % ${tenants})::uuid::text end,
      'service-' || lpad(number::text, 7, '0'),
      'api_key',
      decode(repeat('a1', 120), 'hex'),
      '0123456789abcdef'
    from generate_series(1, ${rows}) as number;
    alter table public.tenant_credentials enable trigger user;
    insert into public.vault_tenants (tenant_id, credentials, max_credentials)
      select tenant_id, count(*), 1000000000 from public.tenant_credentials group by tenant_id;
    insert into public.credential_events
      (tenant_id, occurred_at, action, credential_id, service, credential_type, actor_kind, actor_id)
      select tenant_id, now() - random() * interval '30 days', 'store', id, service, credential_type, 'agent', gen_random_uuid()
      from public.tenant_credentials`;
}

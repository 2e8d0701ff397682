/** Breaks the time of a list of ten servers down, in microseconds of the server's clock, without driver and network. */

import type { BenchPlace } from "./places.ts";

export interface Layer {
  name: string;
  us: number;
}

const PAGE = 10;
const WARM_UP_CALLS = 100;
const CALLS = 1000;

/** Two empty functions, to measure the cost of becoming tenant_scope with a function's own settings. */
const EMPTY_FUNCTIONS = `
  create function public.bench_plain(caller jsonb) returns jsonb language plpgsql as 'begin return caller; end';
  create function public.bench_definer(caller jsonb) returns jsonb language plpgsql security definer
    set search_path = '' set statement_timeout = '4s' as 'begin return caller; end';
  grant create on schema public to tenant_scope;
  alter function public.bench_definer(jsonb) owner to tenant_scope;
  grant execute on function public.bench_plain(jsonb), public.bench_definer(jsonb) to service_role`;

/** Times each step separately, in transactions that are rolled back. */
export async function measureLayers({ owner, caller, tenantId }: BenchPlace): Promise<Layer[]> {
  const quoted = `'${JSON.stringify(caller)}'::jsonb`;
  const rows = (tenant: string) =>
    `select server.id, server.server_id, server.name, server.command, server.args, server.tool_prefix, server.enabled,
       server.version, server.created_at, server.updated_at
     from public.tenant_mcp_servers as server
     where ${tenant} server.server_id > '' order by server.server_id limit ${PAGE + 1}`;
  const own = rows(`server.tenant_id = '${tenantId}' and`);
  const time = async (statement: string, role = "postgres") => {
    // The owner has a single connection, so explicit begin and rollback statements are safe.
    await owner.unsafe(`
      begin;
      ${EMPTY_FUNCTIONS};
      set local app.tenant_id = '${tenantId}';
      set local role ${role};
      ${loop(statement)}`).simple();
    const [row] = await owner`select current_setting('bench.us') as us`;
    await owner`rollback`;
    return Number(row?.us);
  };
  const key = await time(`perform * from public.baseline where id = 1`);
  const page = await time(`perform * from (${own}) as page`);
  const asJson = await time(`perform json_agg(page) from (${own}) as page`);
  const bound = await time(`perform * from (${rows("")}) as page`, "tenant_scope");
  const plain = await time(`perform public.bench_plain(${quoted})`, "service_role");
  const definer = await time(`perform public.bench_definer(${quoted})`, "service_role");
  const authenticated = await time(`perform public.authenticate_caller(${quoted})`, "service_role");
  const whole = await time(`perform public.list_mcp_servers(${quoted}, '{"limit": ${PAGE}}')`, "service_role");
  const layers = [
    { name: "one row by its primary key", us: key },
    { name: "a page of ten rows by the index, less that", us: page - key },
    { name: "row-level security on the page", us: bound - page },
    { name: "the page as json", us: asJson - page },
    { name: "becoming tenant_scope, with settings", us: definer - plain },
    { name: "authentication", us: authenticated - (definer - plain) },
  ];
  const known = layers.reduce((sum, { us }) => sum + us, 0);
  return [...layers, { name: "the rest of list_mcp_servers", us: whole - known }, {
    name: "list_mcp_servers",
    us: whole,
  }];
}

/** Repeats the statement in PL/pgSQL, which keeps its plan as the functions do, and stores the mean time. */
function loop(statement: string): string {
  return `
    do $do$
    declare begun timestamptz;
    begin
      for turn in 1..${WARM_UP_CALLS} loop ${statement}; end loop;
      begun := clock_timestamp();
      for turn in 1..${CALLS} loop ${statement}; end loop;
      perform set_config('bench.us', (extract(epoch from clock_timestamp() - begun) * 1e6 / ${CALLS})::text, true);
    end
    $do$`;
}

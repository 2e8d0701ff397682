-- The MCP servers of each tenant. No credentials: those are the vault's.

create function private.is_argument_list(args text[]) returns boolean
language sql immutable
set search_path = ''
as $$
  select coalesce(array_ndims(args) = 1, false)
    and cardinality(args) between 1 and 128
    and octet_length(array_to_string(args, '')) <= 32768
    and bool_and(coalesce(char_length(arg) between 1 and 4096 and arg !~ '[\u0001-\u001f\u007f-\u009f]', false))
  from unnest(args) as arg
$$;
comment on function private.is_argument_list(text[]) is
  '1 to 128 arguments of 1 to 4,096 code points without control characters, 32 KiB together.';
revoke all on function private.is_argument_list(text[]) from public, anon, authenticated, service_role;
grant execute on function private.is_argument_list(text[]) to tenant_scope;

create table public.tenant_mcp_servers (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null references public.tenants (id),
  server_id text not null,
  name text not null,
  command text not null,
  args text[] not null,
  tool_prefix text not null,
  enabled boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (tenant_id, server_id),
  constraint server_id_form check (server_id ~ '^[A-Za-z0-9@][A-Za-z0-9@._:/-]{0,127}$'),
  -- The bracket that follows each control-character test holds what JavaScript's trim() takes for white space.
  constraint name_form check (
    char_length(name) between 1 and 200
    and name !~ '[\u0001-\u001f\u007f-\u009f]'
    and name ~ '[^\u0020\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]'
  ),
  constraint command_form check (
    char_length(command) between 1 and 1024
    and command !~ '[\u0001-\u001f\u007f-\u009f]'
    and command ~ '[^\u0020\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]'
  ),
  constraint args_form check (private.is_argument_list(args)),
  constraint tool_prefix_form check (
    char_length(tool_prefix) <= 64
    and tool_prefix ~ '^([A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?\.)+$'
  )
);
comment on table public.tenant_mcp_servers is 'MCP servers by tenant: what to start, and which tools it owns.';
comment on column public.tenant_mcp_servers.tool_prefix is
  'Prefix-free per tenant, whatever the case: beside "amazon." there is no "amazon.order.", or a tool would have two owners.';

-- ASCII alone is lowered under "C", so no locale can tell two equal prefixes apart.
create unique index tenant_mcp_servers_tool_prefix_key
  on public.tenant_mcp_servers (tenant_id, lower(tool_prefix collate "C"));

alter table public.tenant_mcp_servers enable row level security;
revoke all on public.tenant_mcp_servers from public, anon, authenticated, service_role;
grant select, insert, update, delete on public.tenant_mcp_servers to tenant_scope;

create policy "a tenant sees its own servers" on public.tenant_mcp_servers
  for select to tenant_scope using (tenant_id = (select private.current_tenant_id()));
create policy "a tenant adds servers to itself" on public.tenant_mcp_servers
  for insert to tenant_scope with check (tenant_id = (select private.current_tenant_id()));
create policy "a tenant changes its own servers" on public.tenant_mcp_servers
  for update to tenant_scope
  using (tenant_id = (select private.current_tenant_id()))
  with check (tenant_id = (select private.current_tenant_id()));
create policy "a tenant deletes its own servers" on public.tenant_mcp_servers
  for delete to tenant_scope using (tenant_id = (select private.current_tenant_id()));

create function private.find_overlapping_server(tenant_id uuid, tool_prefix text) returns uuid
language plpgsql stable
-- Definer: under row-level security the planner may not look lower(tool_prefix) up in its index, and would read the
-- tenant's every server. Who has entered a tenant is told of that one alone; and only an id comes out, which the caller
-- has to read under row-level security again.
security definer
set search_path = ''
as $$
declare
  prefix text collate "C" := lower(find_overlapping_server.tool_prefix collate "C");
  segments text[] := string_to_array(rtrim(prefix, '.'), '.');
  ancestors text[];
  searched_id uuid := coalesce(private.current_tenant_id(), find_overlapping_server.tenant_id);
  overlapping_id uuid;
begin
  select array_agg(array_to_string(segments[1:depth], '.') || '.') into ancestors
  from generate_series(1, cardinality(segments) - 1) as depth;

  select server.id into overlapping_id
  from public.tenant_mcp_servers as server
  where server.tenant_id = searched_id
    and lower(server.tool_prefix collate "C") = any (ancestors)
  limit 1;
  if overlapping_id is not null then
    return overlapping_id;
  end if;

  -- '/' follows '.', so the range holds whatever begins with this prefix and goes on.
  select server.id into overlapping_id
  from public.tenant_mcp_servers as server
  where server.tenant_id = searched_id
    and lower(server.tool_prefix collate "C") > prefix
    and lower(server.tool_prefix collate "C") < left(prefix, -1) || '/'
  limit 1;
  return overlapping_id;
end
$$;
comment on function private.find_overlapping_server(uuid, text) is
  'A server of the tenant whose prefix begins this one or is begun by it, or null. An equal prefix is the unique index''s.';
revoke all on function private.find_overlapping_server(uuid, text) from public, anon, authenticated, service_role;
grant execute on function private.find_overlapping_server(uuid, text) to tenant_scope;

create function private.keep_tool_prefixes_apart() returns trigger
language plpgsql
set search_path = ''
as $$
declare
  holder jsonb;
begin
  if tg_op = 'UPDATE' and old.tool_prefix = new.tool_prefix then
    return null;
  end if;
  -- Two overlapping prefixes in flight do not see one another: the second waits here until the first is decided.
  perform pg_advisory_xact_lock(hashtextextended('tool_prefix ' || new.tenant_id, 0));

  select jsonb_build_object('server_id', server.server_id, 'tool_prefix', server.tool_prefix) into holder
  from public.tenant_mcp_servers as server
  where server.id = private.find_overlapping_server(new.tenant_id, new.tool_prefix);
  if holder is not null then
    perform private.refuse(
      409, 'tool_prefix_taken',
      jsonb_build_object('caller', nullif(current_setting('app.caller', true), '')::jsonb, 'holder', holder)
    );
  end if;
  return null;
end
$$;
comment on function private.keep_tool_prefixes_apart() is
  'Refuses (PT409) a prefix that begins another of the same tenant or is begun by one. Names the holder.';
revoke all on function private.keep_tool_prefixes_apart() from public, anon, authenticated, service_role;

create trigger keep_tool_prefixes_apart
  after insert or update of tool_prefix on public.tenant_mcp_servers
  for each row execute function private.keep_tool_prefixes_apart();

create function private.refuse_taken(actor jsonb, violated text, tool_prefix text) returns void
language plpgsql
set search_path = ''
as $$
declare
  holder jsonb;
begin
  if violated = 'tenant_mcp_servers_tool_prefix_key' then
    select jsonb_build_object('server_id', other.server_id, 'tool_prefix', other.tool_prefix) into holder
    from public.tenant_mcp_servers as other
    where lower(other.tool_prefix collate "C") = lower(refuse_taken.tool_prefix collate "C");
    perform private.refuse(409, 'tool_prefix_taken', jsonb_build_object('caller', actor, 'holder', holder));
  end if;
  perform private.refuse(409, 'server_id_taken', jsonb_build_object('caller', actor));
end
$$;
comment on function private.refuse_taken(jsonb, text, text) is
  'Turns a unique violation, by the name of its constraint, into PT409.';
revoke all on function private.refuse_taken(jsonb, text, text) from public, anon, authenticated, service_role;
grant execute on function private.refuse_taken(jsonb, text, text) to tenant_scope;

-- The functions below run as tenant_scope (see the end of this file), so every statement in them is under row-level security.

create function public.register_mcp_server(caller jsonb, server jsonb) returns jsonb
language plpgsql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
declare
  actor jsonb := private.enter_tenant(caller, 'servers:write');
  registered public.tenant_mcp_servers;
  violated text;
begin
  insert into public.tenant_mcp_servers (tenant_id, server_id, name, command, args, tool_prefix, enabled)
  values (
    private.current_tenant_id(),
    server ->> 'server_id',
    server ->> 'name',
    server ->> 'command',
    (jsonb_populate_record(null::public.tenant_mcp_servers, server)).args,
    server ->> 'tool_prefix',
    coalesce((server ->> 'enabled')::boolean, true)
  )
  returning * into registered;
  return jsonb_build_object('caller', actor, 'data', to_jsonb(registered) - 'tenant_id');
exception when unique_violation then
  get stacked diagnostics violated = constraint_name;
  perform private.refuse_taken(actor, violated, server ->> 'tool_prefix');
end
$$;
comment on function public.register_mcp_server(jsonb, jsonb) is
  'Adds a server to the caller''s tenant. Raises PT409 server_id_taken, tool_prefix_taken.';

create function public.list_mcp_servers(caller jsonb, filter jsonb) returns jsonb
language plpgsql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
declare
  actor jsonb := private.enter_tenant(caller, 'servers:read');
  page_size integer := (filter ->> 'limit')::integer;
  after_server_id text := coalesce(filter -> 'after' ->> 'server_id', '');
  servers jsonb;
begin
  if filter -> 'after' ->> 'tenant_id' <> actor ->> 'tenant_id' then
    perform private.refuse(400, 'cursor_of_another_tenant', jsonb_build_object('caller', actor));
  end if;
  select coalesce(jsonb_agg(to_jsonb(page) - 'tenant_id' order by page.server_id), '[]') into servers
  from (
    select server.*
    from public.tenant_mcp_servers as server
    where server.server_id > after_server_id
      and (server.enabled or not coalesce((filter ->> 'enabled_only')::boolean, false))
    order by server.server_id
    limit page_size + 1
  ) as page;
  return jsonb_build_object(
    'caller', actor,
    'data', jsonb_build_object(
      'servers', case when jsonb_array_length(servers) > page_size then servers - page_size else servers end,
      'more', jsonb_array_length(servers) > page_size
    )
  );
end
$$;
comment on function public.list_mcp_servers(jsonb, jsonb) is
  'A page of the caller''s servers by server_id: {"limit", "enabled_only"?, "after"?: {"tenant_id", "server_id"}}. '
  'Raises PT400 when "after" is another tenant''s.';

create function public.update_mcp_server(caller jsonb, server_id text, changes jsonb) returns jsonb
language plpgsql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
declare
  actor jsonb := private.enter_tenant(caller, 'servers:write');
  before public.tenant_mcp_servers;
  after public.tenant_mcp_servers;
  violated text;
begin
  select server.* into before
  from public.tenant_mcp_servers as server
  where server.server_id = update_mcp_server.server_id
  for update;
  if before.id is null then
    perform private.refuse(404, 'not_found', jsonb_build_object('caller', actor));
  end if;

  after := jsonb_populate_record(before, changes);
  if after is distinct from before then
    update public.tenant_mcp_servers as server
    set name = after.name,
        command = after.command,
        args = after.args,
        tool_prefix = after.tool_prefix,
        enabled = after.enabled,
        updated_at = clock_timestamp()
    where server.id = before.id
    returning server.* into after;
  end if;
  return jsonb_build_object('caller', actor, 'data', to_jsonb(after) - 'tenant_id');
exception when unique_violation then
  get stacked diagnostics violated = constraint_name;
  perform private.refuse_taken(actor, violated, changes ->> 'tool_prefix');
end
$$;
comment on function public.update_mcp_server(jsonb, text, jsonb) is
  'Changes the named ones of name, command, args, tool_prefix and enabled. Raises PT404, PT409 tool_prefix_taken.';

create function public.delete_mcp_server(caller jsonb, server_id text) returns jsonb
language plpgsql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
declare
  actor jsonb := private.enter_tenant(caller, 'servers:write');
begin
  delete from public.tenant_mcp_servers as server where server.server_id = delete_mcp_server.server_id;
  if not found then
    perform private.refuse(404, 'not_found', jsonb_build_object('caller', actor));
  end if;
  return jsonb_build_object('caller', actor, 'data', jsonb_build_object('server_id', server_id, 'deleted', true));
end
$$;
comment on function public.delete_mcp_server(jsonb, text) is 'Deletes a server for good. Raises PT404.';

revoke all on function public.register_mcp_server(jsonb, jsonb) from public, anon, authenticated, service_role;
revoke all on function public.list_mcp_servers(jsonb, jsonb) from public, anon, authenticated, service_role;
revoke all on function public.update_mcp_server(jsonb, text, jsonb) from public, anon, authenticated, service_role;
revoke all on function public.delete_mcp_server(jsonb, text) from public, anon, authenticated, service_role;
grant execute on function public.register_mcp_server(jsonb, jsonb) to service_role;
grant execute on function public.list_mcp_servers(jsonb, jsonb) to service_role;
grant execute on function public.update_mcp_server(jsonb, text, jsonb) to service_role;
grant execute on function public.delete_mcp_server(jsonb, text) to service_role;

-- A new owner needs create on the schema for the moment of the change.
grant create on schema public to tenant_scope;
alter function public.register_mcp_server(jsonb, jsonb) owner to tenant_scope;
alter function public.list_mcp_servers(jsonb, jsonb) owner to tenant_scope;
alter function public.update_mcp_server(jsonb, text, jsonb) owner to tenant_scope;
alter function public.delete_mcp_server(jsonb, text) owner to tenant_scope;
revoke create on schema public from tenant_scope;

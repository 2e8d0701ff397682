-- A record of each act on a server, written in the transaction of the act, and of each call of a server.

create table public.mcp_server_events (
  id uuid not null default gen_random_uuid(),
  tenant_id uuid not null,
  occurred_at timestamptz not null default clock_timestamp(),
  action text not null,
  server_id text not null,
  registration_id uuid not null,
  version integer not null,
  changed_fields text[],
  actor_kind text not null,
  actor_id uuid,
  request_id text,
  method text,
  tool text,
  milliseconds integer,
  outcome text,
  primary key (occurred_at, id)
);
comment on table public.mcp_server_events is
  'What was done to the servers of each tenant, what was called of them, and by whom, without values. Append-only, but for '
  'how a call ended. Events outlive their tenant.';
comment on column public.mcp_server_events.registration_id is
  'tenant_mcp_servers.id: it differs if a server was deleted and registered again.';
comment on column public.mcp_server_events.version is
  'The version that the act made, that a deletion found, or that was called.';
comment on column public.mcp_server_events.request_id is 'The x-request-id, which is also in the request''s log line.';
comment on column public.mcp_server_events.method is 'Of a call: the method of MCP.';
comment on column public.mcp_server_events.tool is
  'Of a call: the full name of the tool or prompt, or the full URI of the resource.';
comment on column public.mcp_server_events.milliseconds is
  'Of a call: until its answer ended. It is written with the outcome, once.';
comment on column public.mcp_server_events.outcome is
  'Of a call: "ok", "tool_error", or why there is no result of the tool. Null until the call ends, and for good if the '
  'gateway was ended before the call.';
create index mcp_server_events_tenant_id_idx on public.mcp_server_events (tenant_id, occurred_at, id);
alter table public.mcp_server_events enable row level security;
revoke all on public.mcp_server_events from public, anon, authenticated, service_role;
grant select, insert on public.mcp_server_events to tenant_scope;
grant update (milliseconds, outcome) on public.mcp_server_events to tenant_scope;

create policy "a tenant sees its own server events" on public.mcp_server_events
  for select to tenant_scope using (tenant_id = nullif((select current_setting('app.tenant_id', true)), '')::uuid);
create policy "a tenant adds server events to itself" on public.mcp_server_events
  for insert to tenant_scope with check (tenant_id = nullif((select current_setting('app.tenant_id', true)), '')::uuid);
-- Not a CHECK: PostgreSQL prepares every CHECK for every statement, and plans a policy once a session. The operators'
-- functions, which no policy binds, write constants and values of the rows.
create policy "what runs for a tenant records acts of agents and kernels" on public.mcp_server_events
  as restrictive for insert to tenant_scope
  with check (
    action in ('register', 'update', 'delete', 'call')
    and (changed_fields is null) = (action <> 'update')
    and (tool is null) = (action <> 'call')
    and (method is null) = (action <> 'call')
    and (
      method is null
      or method in ('tools/call', 'prompts/get') and char_length(tool) <= 256
      or method in ('resources/read', 'completion/complete') and char_length(tool) <= 2048
    )
    and milliseconds is null
    and outcome is null
    and actor_kind in ('agent', 'kernel')
    and actor_id is not null
    and (request_id is null or char_length(request_id) <= 128 and request_id ~ '^[A-Za-z0-9_.:-]+$')
  );

create policy "a tenant ends its own calls" on public.mcp_server_events
  for update to tenant_scope
  using (tenant_id = nullif((select current_setting('app.tenant_id', true)), '')::uuid)
  with check (tenant_id = nullif((select current_setting('app.tenant_id', true)), '')::uuid);
create policy "a call ends once, with an outcome" on public.mcp_server_events
  as restrictive for update to tenant_scope
  using (action = 'call' and outcome is null)
  with check (milliseconds >= 0 and outcome ~ '^[a-z_]+$' and char_length(outcome) <= 40);

create function private.refuse_change() returns trigger
language plpgsql
set search_path = ''
as $$
begin
  raise exception '% is append-only', tg_table_name using errcode = '23001';
end
$$;
comment on function private.refuse_change() is 'Refuses the statement (SQLSTATE 23001) for every role.';
revoke all on function private.refuse_change() from public, anon, authenticated, service_role;

create trigger keep_append_only before delete or truncate on public.mcp_server_events
  for each statement execute function private.refuse_change();
-- For every role: only a call without an outcome changes, and only by how it ended.
create trigger keep_unchanged before update on public.mcp_server_events
  for each row
  when (
    old.action <> 'call' or old.outcome is not null or new.outcome is null
    or to_jsonb(new.*) - 'milliseconds' - 'outcome' <> to_jsonb(old.*) - 'milliseconds' - 'outcome'
  )
  execute function private.refuse_change();

create function private.record_server_event(
  actor jsonb, action text, server public.tenant_mcp_servers, changed_fields text[] default null
) returns void
language plpgsql
set search_path = ''
as $$
begin
  insert into public.mcp_server_events
    (tenant_id, action, server_id, registration_id, version, changed_fields, actor_kind, actor_id, request_id)
  values (
    server.tenant_id, action, server.server_id, server.id, server.version, changed_fields,
    actor ->> 'kind', (actor ->> 'id')::uuid, actor ->> 'request_id'
  );
end
$$;
comment on function private.record_server_event(jsonb, text, public.tenant_mcp_servers, text[]) is
  'Records an act of {"kind", "id", "request_id"} on a server, in the transaction of the act.';
revoke all on function private.record_server_event(jsonb, text, public.tenant_mcp_servers, text[])
  from public, anon, authenticated, service_role;
grant execute on function private.record_server_event(jsonb, text, public.tenant_mcp_servers, text[]) to tenant_scope;

create function public.list_mcp_server_events(caller jsonb, filter jsonb) returns json
language plpgsql
-- Definer: tenant_scope owns it, so row-level security binds every statement in it.
security definer
set search_path = ''
set statement_timeout = '4s'
set plan_cache_mode = 'force_generic_plan'
set enable_bitmapscan = off
as $$
declare
  actor jsonb := private.enter_tenant(caller, 'servers:read');
  page_size integer := (filter ->> 'limit')::integer;
  wanted_action text := filter ->> 'action';
  wanted_server_id text := filter ->> 'server_id';
  since timestamptz := coalesce((filter ->> 'since')::timestamptz, '-infinity');
  until timestamptz := coalesce((filter ->> 'until')::timestamptz, 'infinity');
  before_occurred_at timestamptz := coalesce((filter -> 'after' ->> 'occurred_at')::timestamptz, 'infinity');
  before_id uuid := coalesce((filter -> 'after' ->> 'id')::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff');
  answer json;
begin
  if filter -> 'after' ->> 'tenant_id' <> actor ->> 'tenant_id' then
    perform private.raise_http_error(400, 'cursor_of_another_tenant', jsonb_build_object('caller', actor));
  end if;
  -- One upper bound: given two, the index starts at the first and walks to the other.
  if until <= before_occurred_at then
    before_occurred_at := until;
    before_id := '00000000-0000-0000-0000-000000000000';
  end if;
  select json_build_object(
    'caller', actor,
    'data', json_build_object(
      'events', coalesce(
        array_to_json((array_agg(page order by page.occurred_at desc, page.id desc))[1:page_size]), '[]'
      ),
      'more', count(*) > page_size
    )
  ) into answer
  from (
    select
      event.id,
      to_char(event.occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"') as occurred_at,
      event.action, event.server_id, event.registration_id, event.version,
      event.changed_fields, event.actor_kind, event.actor_id, event.request_id,
      event.method, event.tool, event.milliseconds, event.outcome
    from public.mcp_server_events as event
    where (wanted_action is null or event.action = wanted_action)
      and (wanted_server_id is null or event.server_id = wanted_server_id)
      and event.occurred_at >= since
      and (event.occurred_at, event.id) < (before_occurred_at, before_id)
    order by event.occurred_at desc, event.id desc
    limit page_size + 1
  ) as page;
  return answer;
end
$$;
comment on function public.list_mcp_server_events(jsonb, jsonb) is
  'A page of what was done to the caller''s servers, newest first: {"limit", "action"?, "server_id"?, "since"?, "until"?, '
  '"after"?: {"tenant_id", "occurred_at", "id"}}; until is exclusive. Raises PT400 if "after" names another tenant.';
revoke all on function public.list_mcp_server_events(jsonb, jsonb) from public, anon, authenticated, service_role;
grant execute on function public.list_mcp_server_events(jsonb, jsonb) to service_role, function_caller;
-- The new owner needs create on the schema at that time. The last line revokes it.
grant create on schema public to tenant_scope;
alter function public.list_mcp_server_events(jsonb, jsonb) owner to tenant_scope;

create function public.authorize_call(caller jsonb, tool text, method text default null) returns jsonb
language plpgsql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
declare
  actor jsonb := private.enter_tenant(caller, null);
  decided jsonb := private.decide_tool(actor, '{tools:call}', tool);
  server jsonb := decided -> 'data' -> 'server';
  event public.mcp_server_events;
  committed text;
begin
  if method is null or server is null then
    return decided;
  end if;
  insert into public.mcp_server_events
    (tenant_id, action, server_id, registration_id, version, method, tool, actor_kind, actor_id, request_id)
  values (
    private.current_tenant_id(), 'call', server ->> 'server_id', (server ->> 'id')::uuid,
    (server ->> 'version')::integer, authorize_call.method, authorize_call.tool, actor ->> 'kind',
    (actor ->> 'id')::uuid, actor ->> 'request_id'
  )
  returning * into event;
  -- The call begins without waiting for the disk. flush_events waits for it before the call is answered.
  committed := set_config('synchronous_commit', 'off', true);
  return jsonb_insert(
    decided, '{data,event}', jsonb_build_object('id', event.id, 'occurred_at', event.occurred_at)
  );
end
$$;
comment on function public.authorize_call(jsonb, text, text) is
  'For the gateway, which does not show the server: the decision of private.decide_tool for a key with tools:call, about a '
  'tool or prompt by its name, or a resource by its URI. With a method an allowed call is an event, {"id", "occurred_at"}, '
  'which is on the disk once flush_events has returned. With a null tool it identifies the caller. Raises PT401, PT403.';
revoke all on function public.authorize_call(jsonb, text, text) from public, anon, authenticated, service_role;
grant execute on function public.authorize_call(jsonb, text, text) to service_role, function_caller;
alter function public.authorize_call(jsonb, text, text) owner to tenant_scope;

create function public.flush_events() returns void
language plpgsql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
begin
  -- A commit that has written something waits for the disk, and so for every commit before it.
  perform pg_logical_emit_message(true, 'flush_events', '');
end
$$;
comment on function public.flush_events() is
  'For the gateway: once it has returned, every event that was there when it was called is on the disk.';
revoke all on function public.flush_events() from public, anon, authenticated, service_role;
grant execute on function public.flush_events() to service_role, function_caller;
alter function public.flush_events() owner to tenant_scope;

create function public.end_call(caller jsonb, event jsonb) returns jsonb
language plpgsql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
declare
  actor jsonb := private.enter_tenant(caller, 'tools:call');
  event_id uuid := event ->> 'id';
  event_time timestamptz := event ->> 'occurred_at';
  -- The call itself is on the disk already. How it ended may be lost with the last moments before a crash.
  committed text := set_config('synchronous_commit', 'off', true);
begin
  update public.mcp_server_events as ended
  set milliseconds = (event ->> 'milliseconds')::integer, outcome = event ->> 'outcome'
  where ended.occurred_at = event_time and ended.id = event_id
    and ended.actor_id = (actor ->> 'id')::uuid and ended.outcome is null;
  return jsonb_build_object('caller', actor, 'data', jsonb_build_object('ended', found));
end
$$;
comment on function public.end_call(jsonb, jsonb) is
  'For the gateway: writes how a call of this caller ended, once: {"id", "occurred_at", "milliseconds", "outcome"}.';
revoke all on function public.end_call(jsonb, jsonb) from public, anon, authenticated, service_role;
grant execute on function public.end_call(jsonb, jsonb) to service_role, function_caller;
alter function public.end_call(jsonb, jsonb) owner to tenant_scope;

revoke create on schema public from tenant_scope;

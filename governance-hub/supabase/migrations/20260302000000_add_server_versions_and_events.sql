-- What a gateway and an auditor can rely on: a version for each server, a revision for a tenant's whole list, and a record
-- of each act, written in its transaction.

alter table public.tenant_mcp_servers add column version integer not null default 1;
comment on column public.tenant_mcp_servers.version is 'From 1; each change is one more.';

create table public.tenant_server_revisions (
  tenant_id uuid primary key references public.tenants (id) on delete cascade,
  -- Milliseconds since 1970, or one more than the last: a restored database does not give a number out twice.
  revision bigint not null default (extract(epoch from clock_timestamp()) * 1000)::bigint
);
comment on table public.tenant_server_revisions is
  'A number by tenant that each change of any of its servers moves, so that one read tells whether its list is as it was.';
alter table public.tenant_server_revisions enable row level security;
revoke all on public.tenant_server_revisions from public, anon, authenticated, service_role;
grant select, insert, update on public.tenant_server_revisions to tenant_scope;

create policy "a tenant sees its own revision" on public.tenant_server_revisions
  for select to tenant_scope using (tenant_id = nullif((select current_setting('app.tenant_id', true)), '')::uuid);
create policy "a tenant begins its own revision" on public.tenant_server_revisions
  for insert to tenant_scope with check (tenant_id = nullif((select current_setting('app.tenant_id', true)), '')::uuid);
create policy "a tenant moves its own revision" on public.tenant_server_revisions
  for update to tenant_scope
  using (tenant_id = nullif((select current_setting('app.tenant_id', true)), '')::uuid)
  with check (tenant_id = nullif((select current_setting('app.tenant_id', true)), '')::uuid);

create function private.move_revision() returns trigger
language plpgsql
set search_path = ''
as $$
begin
  -- Its row stays locked until the change is committed: whoever reads a revision sees every change up to it.
  insert into public.tenant_server_revisions as current (tenant_id)
  select distinct changed.tenant_id from changed order by changed.tenant_id
  on conflict (tenant_id) do update set revision = greatest(current.revision + 1, excluded.revision);
  return null;
end
$$;
comment on function private.move_revision() is 'Moves the revision of each tenant whose servers a statement has changed.';
revoke all on function private.move_revision() from public, anon, authenticated, service_role;

-- A change of a server finds the row, and need not wait for its tenant's to make it.
insert into public.tenant_server_revisions (tenant_id) select tenant.id from public.tenants as tenant;

create trigger move_revision_after_insert after insert on public.tenant_mcp_servers
  referencing new table as changed for each statement execute function private.move_revision();
create trigger move_revision_after_update after update on public.tenant_mcp_servers
  referencing new table as changed for each statement execute function private.move_revision();
create trigger move_revision_after_delete after delete on public.tenant_mcp_servers
  referencing old table as changed for each statement execute function private.move_revision();

-- One function for all of a row: PostgreSQL reads and prepares each CHECK anew for each statement.
create function private.is_server_event(
  action text, changed_fields text[], actor_kind text, actor_id uuid, request_id text
) returns boolean
language plpgsql immutable
set search_path = ''
as $$
begin
  return action in ('register', 'update', 'delete')
    and (changed_fields is null) = (action <> 'update')
    and actor_kind in ('agent', 'kernel', 'operator')
    and (actor_id is null) = (actor_kind = 'operator')
    and (request_id is null or char_length(request_id) <= 128 and request_id ~ '^[A-Za-z0-9_.:-]+$');
end
$$;
comment on function private.is_server_event(text, text[], text, uuid, text) is
  'Whether an event may be recorded: a known action, an update with its fields, of an actor, who has an id unless it is an '
  'operator.';
revoke all on function private.is_server_event(text, text[], text, uuid, text)
  from public, anon, authenticated, service_role;
grant execute on function private.is_server_event(text, text[], text, uuid, text) to tenant_scope;

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
  primary key (occurred_at, id),
  constraint event_form check (private.is_server_event(action, changed_fields, actor_kind, actor_id, request_id))
);
comment on table public.mcp_server_events is
  'What was done to the servers of each tenant, and by whom; never a value. Append-only. It outlives its tenant.';
comment on column public.mcp_server_events.registration_id is
  'tenant_mcp_servers.id: a server that was deleted and registered again has another.';
comment on column public.mcp_server_events.version is 'The version that an act made, or that a deletion found.';
comment on column public.mcp_server_events.request_id is 'The x-request-id, which the request''s log line has too.';
create index mcp_server_events_tenant_id_idx on public.mcp_server_events (tenant_id, occurred_at, id);
alter table public.mcp_server_events enable row level security;
revoke all on public.mcp_server_events from public, anon, authenticated, service_role;
grant select, insert on public.mcp_server_events to tenant_scope;

create policy "a tenant sees its own server events" on public.mcp_server_events
  for select to tenant_scope using (tenant_id = nullif((select current_setting('app.tenant_id', true)), '')::uuid);
create policy "a tenant adds server events to itself" on public.mcp_server_events
  for insert to tenant_scope with check (tenant_id = nullif((select current_setting('app.tenant_id', true)), '')::uuid);

create function private.refuse_change() returns trigger
language plpgsql
set search_path = ''
as $$
begin
  raise exception '% is append-only', tg_table_name using errcode = '23001';
end
$$;
comment on function private.refuse_change() is 'Refuses the statement, whoever makes it (SQLSTATE 23001).';
revoke all on function private.refuse_change() from public, anon, authenticated, service_role;

create trigger keep_append_only before update or delete or truncate on public.mcp_server_events
  for each statement execute function private.refuse_change();

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

create or replace function private.enter_tenant(caller jsonb, scope text) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  actor jsonb := private.authenticate(caller);
  entered text;
begin
  if current_user <> 'tenant_scope' then
    raise exception 'private.enter_tenant was called as %, whom row-level security may not bind', current_user;
  end if;
  if scope is not null and not actor -> 'scopes' ? scope then
    perform private.refuse(403, 'insufficient_scope', jsonb_build_object('caller', actor, 'scope', scope));
  end if;
  -- Assigned, since what is performed is a query.
  entered := set_config('app.tenant_id', actor ->> 'tenant_id', true);
  if scope = 'servers:write' then
    -- For the trigger that refuses a prefix.
    entered := set_config('app.caller', actor::text, true);
  end if;
  return actor;
end
$$;
comment on function private.enter_tenant(jsonb, text) is
  'Authenticates the caller, asks for the scope unless that is null, and enters its tenant until the transaction ends. '
  'Returns who it is, as private.authenticate tells it.';

create function private.require_version(actor jsonb, wanted integer, current integer) returns void
language plpgsql
set search_path = ''
as $$
begin
  if wanted <> current then
    perform private.refuse(
      412, 'version_mismatch', jsonb_build_object('caller', actor, 'current_version', current)
    );
  end if;
end
$$;
comment on function private.require_version(jsonb, integer, integer) is
  'Refuses (PT412, with the current version) when another version is wanted. Null wants none.';
revoke all on function private.require_version(jsonb, integer, integer) from public, anon, authenticated, service_role;
grant execute on function private.require_version(jsonb, integer, integer) to tenant_scope;

create or replace function public.register_mcp_server(caller jsonb, server jsonb) returns jsonb
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
  perform private.record_server_event(actor, 'register', registered);
  return jsonb_build_object('caller', actor, 'data', to_jsonb(registered) - 'tenant_id');
exception
  when unique_violation then
    get stacked diagnostics violated = constraint_name;
    perform private.refuse_taken(actor, violated, server ->> 'tool_prefix');
  when foreign_key_violation then
    -- The tenant was deleted meanwhile.
    perform private.refuse(403, 'tenant_not_allowed', jsonb_build_object('caller', actor));
end
$$;

drop function public.list_mcp_servers(jsonb, jsonb);
-- json costs half of what jsonb does for what is only written and sent. What coalesce or a cast makes stands in variables:
-- row-level security keeps an expression that may fail out of an index's condition. One plan is as good for all
-- values, and planning for each takes a third of the time.
create function public.list_mcp_servers(caller jsonb, filter jsonb) returns json
language plpgsql security definer
set search_path = ''
set statement_timeout = '4s'
set plan_cache_mode = 'force_generic_plan'
set enable_bitmapscan = off
as $$
declare
  actor jsonb := private.enter_tenant(caller, 'servers:read');
  page_size integer := (filter ->> 'limit')::integer;
  after_server_id text := coalesce(filter -> 'after' ->> 'server_id', '');
  enabled_only boolean := coalesce((filter ->> 'enabled_only')::boolean, false);
  current_revision bigint;
  servers json[];
begin
  if filter -> 'after' ->> 'tenant_id' <> actor ->> 'tenant_id' then
    perform private.refuse(400, 'cursor_of_another_tenant', jsonb_build_object('caller', actor));
  end if;
  if filter -> 'known_revisions' <> '[]' then
    current_revision := coalesce((select current.revision from public.tenant_server_revisions as current), 0);
    if filter -> 'known_revisions'
      @> jsonb_build_array(jsonb_build_object('tenant_id', actor ->> 'tenant_id', 'revision', current_revision))
    then
      return json_build_object(
        'caller', actor, 'data', json_build_object('revision', current_revision, 'unchanged', true)
      );
    end if;
  end if;
  -- In one statement, so that the revision is that of these servers.
  select
    coalesce((select current.revision from public.tenant_server_revisions as current), 0),
    array_agg(to_json(page) order by page.server_id)
  into current_revision, servers
  from (
    select
      server.id, server.server_id, server.name, server.command, server.args, server.tool_prefix, server.enabled,
      server.version, server.created_at, server.updated_at
    from public.tenant_mcp_servers as server
    where server.server_id > after_server_id and (server.enabled or not enabled_only)
    order by server.server_id
    limit page_size + 1
  ) as page;
  return json_build_object(
    'caller', actor,
    'data', json_build_object(
      'revision', current_revision,
      'servers', coalesce(array_to_json(servers[1:page_size]), '[]'),
      'more', coalesce(cardinality(servers) > page_size, false)
    )
  );
end
$$;
comment on function public.list_mcp_servers(jsonb, jsonb) is
  'A page of the caller''s servers by server_id, with the revision of them all: {"limit", "enabled_only"?, "after"?: '
  '{"tenant_id", "server_id"}, "known_revisions"?: [{"tenant_id", "revision"}]}. When it is one of those, no '
  'server is read. '
  'Raises PT400 when "after" is another tenant''s.';

drop function public.update_mcp_server(jsonb, text, jsonb);
create function public.update_mcp_server(caller jsonb, server_id text, changes jsonb, if_version integer default null)
returns jsonb
language plpgsql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
declare
  actor jsonb := private.enter_tenant(caller, 'servers:write');
  before public.tenant_mcp_servers;
  after public.tenant_mcp_servers;
  known jsonb;
  changed_fields text[];
  violated text;
begin
  select server.* into before
  from public.tenant_mcp_servers as server
  where server.server_id = update_mcp_server.server_id
  for update;
  if before.id is null then
    perform private.refuse(404, 'not_found', jsonb_build_object('caller', actor));
  end if;
  perform private.require_version(actor, if_version, before.version);

  after := jsonb_populate_record(before, changes);
  known := to_jsonb(before);
  select array_agg(field.key order by field.key) into changed_fields
  from jsonb_each(to_jsonb(after)) as field
  where field.value is distinct from known -> field.key;
  if changed_fields is not null then
    update public.tenant_mcp_servers as server
    set name = after.name,
        command = after.command,
        args = after.args,
        tool_prefix = after.tool_prefix,
        enabled = after.enabled,
        version = before.version + 1,
        updated_at = clock_timestamp()
    where server.id = before.id
    returning server.* into after;
    perform private.record_server_event(actor, 'update', after, changed_fields);
  end if;
  return jsonb_build_object('caller', actor, 'data', to_jsonb(after) - 'tenant_id');
exception when unique_violation then
  get stacked diagnostics violated = constraint_name;
  perform private.refuse_taken(actor, violated, changes ->> 'tool_prefix');
end
$$;
comment on function public.update_mcp_server(jsonb, text, jsonb, integer) is
  'Changes the named ones of name, command, args, tool_prefix and enabled. Raises PT404, PT412 version_mismatch, PT409 '
  'tool_prefix_taken.';

drop function public.delete_mcp_server(jsonb, text);
create function public.delete_mcp_server(caller jsonb, server_id text, if_version integer default null) returns jsonb
language plpgsql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
declare
  actor jsonb := private.enter_tenant(caller, 'servers:write');
  deleted public.tenant_mcp_servers;
begin
  delete from public.tenant_mcp_servers as server
  where server.server_id = delete_mcp_server.server_id
  returning server.* into deleted;
  if deleted.id is null then
    perform private.refuse(404, 'not_found', jsonb_build_object('caller', actor));
  end if;
  perform private.require_version(actor, if_version, deleted.version);
  perform private.record_server_event(actor, 'delete', deleted);
  return jsonb_build_object('caller', actor, 'data', jsonb_build_object('server_id', server_id, 'deleted', true));
end
$$;
comment on function public.delete_mcp_server(jsonb, text, integer) is
  'Deletes a server for good. Raises PT404, PT412 version_mismatch.';

create function public.list_mcp_server_events(caller jsonb, filter jsonb) returns json
language plpgsql security definer
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
  events json[];
begin
  if filter -> 'after' ->> 'tenant_id' <> actor ->> 'tenant_id' then
    perform private.refuse(400, 'cursor_of_another_tenant', jsonb_build_object('caller', actor));
  end if;
  -- One upper bound: of two the index begins at the first that it finds, and walks from there to the other.
  if until <= before_occurred_at then
    before_occurred_at := until;
    before_id := '00000000-0000-0000-0000-000000000000';
  end if;
  select array_agg(to_json(page) order by page.occurred_at desc, page.id desc) into events
  from (
    select
      event.id, event.occurred_at, event.action, event.server_id, event.registration_id, event.version,
      event.changed_fields, event.actor_kind, event.actor_id, event.request_id
    from public.mcp_server_events as event
    where (wanted_action is null or event.action = wanted_action)
      and (wanted_server_id is null or event.server_id = wanted_server_id)
      and event.occurred_at >= since
      and (event.occurred_at, event.id) < (before_occurred_at, before_id)
    order by event.occurred_at desc, event.id desc
    limit page_size + 1
  ) as page;
  return json_build_object(
    'caller', actor,
    'data', json_build_object(
      'events', coalesce(array_to_json(events[1:page_size]), '[]'),
      'more', coalesce(cardinality(events) > page_size, false)
    )
  );
end
$$;
comment on function public.list_mcp_server_events(jsonb, jsonb) is
  'A page of what was done to the caller''s servers, newest first: {"limit", "action"?, "server_id"?, "since"?, "until"?, '
  '"after"?: {"tenant_id", "occurred_at", "id"}}; until is exclusive. Raises PT400 when "after" is another tenant''s.';

create function public.list_events(filter jsonb) returns jsonb
language plpgsql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
declare
  wanted_tenant_id uuid := filter ->> 'tenant_id';
  since timestamptz := coalesce((filter ->> 'since')::timestamptz, '-infinity');
  until timestamptz := coalesce((filter ->> 'until')::timestamptz, 'infinity');
  after_occurred_at timestamptz := coalesce((filter -> 'after' ->> 'occurred_at')::timestamptz, '-infinity');
  after_id uuid := coalesce((filter -> 'after' ->> 'id')::uuid, '00000000-0000-0000-0000-000000000000');
  events jsonb;
begin
  -- One lower bound: of two the index begins at the first that it finds, and walks from there to the other.
  if after_occurred_at < since then
    after_occurred_at := since;
    after_id := '00000000-0000-0000-0000-000000000000';
  end if;
  -- Two statements, since either order is another index's.
  if wanted_tenant_id is null then
    select jsonb_agg(to_jsonb(page) order by page.occurred_at, page.id) into events
    from (
      select event.*
      from public.mcp_server_events as event
      where event.occurred_at < until
        and (event.occurred_at, event.id) > (after_occurred_at, after_id)
        and (filter ->> 'action' is null or event.action = filter ->> 'action')
        and (filter ->> 'server_id' is null or event.server_id = filter ->> 'server_id')
      order by event.occurred_at, event.id
      limit 1000
    ) as page;
  else
    select jsonb_agg(to_jsonb(page) order by page.occurred_at, page.id) into events
    from (
      select event.*
      from public.mcp_server_events as event
      where event.tenant_id = wanted_tenant_id
        and event.occurred_at < until
        and (event.occurred_at, event.id) > (after_occurred_at, after_id)
        and (filter ->> 'action' is null or event.action = filter ->> 'action')
        and (filter ->> 'server_id' is null or event.server_id = filter ->> 'server_id')
      order by event.occurred_at, event.id
      limit 1000
    ) as page;
  end if;
  return coalesce(events, '[]');
end
$$;
comment on function public.list_events(jsonb) is
  'Operators: at most 1,000 events, oldest first: {"tenant_id"?, "action"?, "server_id"?, "since"?, "until"?, "after"?: '
  '{"occurred_at", "id"}}, the last of the page before; until is exclusive.';

create or replace function public.delete_tenant(tenant_id uuid) returns jsonb
language plpgsql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
declare
  deleted_keys bigint;
  deleted_servers bigint;
  is_done boolean;
begin
  delete from public.api_keys as key where key.tenant_id = delete_tenant.tenant_id;
  get diagnostics deleted_keys = row_count;
  -- A kernel that registers a server now waits here, and then finds no tenant.
  perform from public.tenants as tenant where tenant.id = delete_tenant.tenant_id for update;
  with deleted as (
    delete from public.tenant_mcp_servers as server
    where server.id in (
      select doomed.id from public.tenant_mcp_servers as doomed
      where doomed.tenant_id = delete_tenant.tenant_id
      order by doomed.server_id
      limit 1000
    )
    returning server.*
  ), recorded as (
    insert into public.mcp_server_events (tenant_id, action, server_id, registration_id, version, actor_kind)
    select deleted.tenant_id, 'delete', deleted.server_id, deleted.id, deleted.version, 'operator' from deleted
  )
  select count(*) into deleted_servers from deleted;
  is_done := not exists (
    select from public.tenant_mcp_servers as server where server.tenant_id = delete_tenant.tenant_id
  );
  if is_done then
    delete from public.tenants as tenant where tenant.id = delete_tenant.tenant_id;
  end if;
  return jsonb_build_object('api_keys', deleted_keys, 'servers', deleted_servers, 'done', is_done);
end
$$;

revoke all on function public.list_mcp_servers(jsonb, jsonb) from public, anon, authenticated, service_role;
revoke all on function public.update_mcp_server(jsonb, text, jsonb, integer) from public, anon, authenticated, service_role;
revoke all on function public.delete_mcp_server(jsonb, text, integer) from public, anon, authenticated, service_role;
revoke all on function public.list_mcp_server_events(jsonb, jsonb) from public, anon, authenticated, service_role;
revoke all on function public.list_events(jsonb) from public, anon, authenticated, service_role;
grant execute on function public.list_mcp_servers(jsonb, jsonb) to service_role;
grant execute on function public.update_mcp_server(jsonb, text, jsonb, integer) to service_role;
grant execute on function public.delete_mcp_server(jsonb, text, integer) to service_role;
grant execute on function public.list_mcp_server_events(jsonb, jsonb) to service_role;
grant execute on function public.list_events(jsonb) to service_role;

-- A new owner needs create on the schema for the moment of the change.
grant create on schema public to tenant_scope;
alter function public.list_mcp_servers(jsonb, jsonb) owner to tenant_scope;
alter function public.update_mcp_server(jsonb, text, jsonb, integer) owner to tenant_scope;
alter function public.delete_mcp_server(jsonb, text, integer) owner to tenant_scope;
alter function public.list_mcp_server_events(jsonb, jsonb) owner to tenant_scope;
revoke create on schema public from tenant_scope;

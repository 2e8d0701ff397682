-- The MCP servers of each tenant, and the functions of the endpoints. Credentials are in the vault, not here.

create function private.is_argument_list(args text[]) returns boolean
language plpgsql immutable
set search_path = ''
as $$
declare
  arg text;
begin
  if array_ndims(args) is distinct from 1
    or cardinality(args) not between 1 and 128
    or octet_length(array_to_string(args, '')) > 32768
  then
    return false;
  end if;
  foreach arg in array args loop
    if arg is null or char_length(arg) not between 1 and 4096 or not private.is_plain_text(arg) then
      return false;
    end if;
  end loop;
  return true;
end
$$;
comment on function private.is_argument_list(text[]) is
  '1 to 128 arguments of 1 to 4,096 code points of plain text, 32 KiB together.';
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
  version integer not null default 1,
  unique (tenant_id, server_id),
  -- A regular expression with a bound ({0,127}) takes ten times as long as one without and a test of the length.
  constraint server_id_form check (char_length(server_id) <= 128 and server_id ~ '^[A-Za-z0-9@][A-Za-z0-9@._:/-]*$'),
  -- The brackets list the white space that plain text may have, so that the text is not blank.
  constraint name_form check (
    char_length(name) between 1 and 200
    and private.is_plain_text(name)
    and name ~ '[^\u0020\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]'
  ),
  constraint command_form check (
    char_length(command) between 1 and 1024
    and private.is_plain_text(command)
    and command ~ '[^\u0020\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]'
  ),
  constraint args_form check (private.is_argument_list(args)),
  constraint tool_prefix_form check (
    char_length(tool_prefix) <= 64
    and tool_prefix ~ '^([A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?\.)+$'
    -- The gateway's own tools begin with it.
    and lower(tool_prefix collate "C") !~ '^hub\.'
  )
);
comment on table public.tenant_mcp_servers is 'MCP servers by tenant: what to start, and which tools the server owns.';
comment on column public.tenant_mcp_servers.tool_prefix is
  'No prefix of a tenant begins another, in upper or lower case: with "amazon.", an "amazon.order." would give a tool two '
  'owners.';
comment on column public.tenant_mcp_servers.version is '1 at first; each change adds one.';

-- Under "C" only ASCII letters are lowered, so no locale can tell two equal prefixes apart.
create unique index tenant_mcp_servers_tool_prefix_key
  on public.tenant_mcp_servers (tenant_id, lower(tool_prefix collate "C"));

alter table public.tenant_mcp_servers enable row level security;
revoke all on public.tenant_mcp_servers from public, anon, authenticated, service_role;
grant select, insert, update, delete on public.tenant_mcp_servers to tenant_scope;

-- The policies read the setting directly: a call of private.current_tenant_id() would cost more than the rest of the query.
create policy "a tenant sees its own servers" on public.tenant_mcp_servers
  for select to tenant_scope using (tenant_id = nullif((select current_setting('app.tenant_id', true)), '')::uuid);
create policy "a tenant adds servers to itself" on public.tenant_mcp_servers
  for insert to tenant_scope with check (tenant_id = nullif((select current_setting('app.tenant_id', true)), '')::uuid);
create policy "a tenant changes its own servers" on public.tenant_mcp_servers
  for update to tenant_scope
  using (tenant_id = nullif((select current_setting('app.tenant_id', true)), '')::uuid)
  with check (tenant_id = nullif((select current_setting('app.tenant_id', true)), '')::uuid);
create policy "a tenant deletes its own servers" on public.tenant_mcp_servers
  for delete to tenant_scope using (tenant_id = nullif((select current_setting('app.tenant_id', true)), '')::uuid);

create function private.find_overlapping_server(tenant_id uuid, tool_prefix text) returns uuid
language plpgsql stable
-- Definer: under row-level security the planner does not look lower(tool_prefix) up in its index, and would read every
-- server of the tenant. A caller who has entered a tenant is answered for that tenant only. The answer is an id, and the
-- caller reads its row under row-level security.
security definer
set search_path = ''
set plan_cache_mode = 'force_generic_plan'
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

  -- '/' is the character after '.', so the range holds every longer prefix that begins with this one.
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
  'A server of the tenant whose prefix begins this one, or the reverse; null if there is none. The unique index refuses an '
  'equal prefix.';
revoke all on function private.find_overlapping_server(uuid, text) from public, anon, authenticated, service_role;
grant execute on function private.find_overlapping_server(uuid, text) to tenant_scope;

create function private.refuse_prefix(actor jsonb, holder jsonb) returns void
language plpgsql
set search_path = ''
as $$
begin
  -- A key that may not read servers must not learn which server has the prefix.
  perform private.raise_http_error(409, 'tool_prefix_taken', jsonb_build_object(
    'caller', actor, 'holder', case when actor -> 'scopes' ? 'servers:read' then holder end
  ));
end
$$;
comment on function private.refuse_prefix(jsonb, jsonb) is
  'Raises PT409. Names the server that holds the prefix, if the caller may read servers.';
revoke all on function private.refuse_prefix(jsonb, jsonb) from public, anon, authenticated, service_role;
grant execute on function private.refuse_prefix(jsonb, jsonb) to tenant_scope;

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
  -- Two transactions do not see each other's prefixes: the second one waits here until the first one ends.
  perform pg_advisory_xact_lock(hashtextextended('tool_prefix ' || new.tenant_id, 0));

  select jsonb_build_object('server_id', server.server_id, 'tool_prefix', server.tool_prefix) into holder
  from public.tenant_mcp_servers as server
  where server.id = private.find_overlapping_server(new.tenant_id, new.tool_prefix);
  if holder is not null then
    perform private.refuse_prefix(nullif(current_setting('app.caller', true), '')::jsonb, holder);
  end if;
  return null;
end
$$;
comment on function private.keep_tool_prefixes_apart() is
  'Refuses (PT409) a prefix that begins another one of the tenant, or the reverse.';
revoke all on function private.keep_tool_prefixes_apart() from public, anon, authenticated, service_role;

create trigger keep_tool_prefixes_apart
  after insert or update of tool_prefix on public.tenant_mcp_servers
  for each row execute function private.keep_tool_prefixes_apart();

create table public.tenant_server_revisions (
  tenant_id uuid primary key references public.tenants (id) on delete cascade,
  -- Milliseconds since 1970, or the last revision plus one: a restored database does not use a number again.
  revision bigint not null default (extract(epoch from clock_timestamp()) * 1000)::bigint,
  -- Counted here, so that no register has to count the tenant's servers.
  server_count integer not null
);
comment on table public.tenant_server_revisions is
  'For each tenant, a number that grows with every change of its servers, so that one read tells whether a list is still '
  'current; and the number of its servers.';
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

create function private.bump_revision() returns trigger
language plpgsql
set search_path = ''
as $$
begin
  -- The row stays locked until the change is committed, so a reader of a revision sees every change up to it.
  insert into public.tenant_server_revisions as current (tenant_id, server_count)
  select changed.tenant_id, count(*) * case tg_op when 'INSERT' then 1 when 'DELETE' then -1 else 0 end
  from changed group by changed.tenant_id order by changed.tenant_id
  on conflict (tenant_id) do update set
    revision = greatest(current.revision + 1, excluded.revision),
    server_count = current.server_count + excluded.server_count;
  return null;
end
$$;
comment on function private.bump_revision() is 
  'Raises the revision of each tenant whose servers a statement has changed, and counts its servers.';
revoke all on function private.bump_revision() from public, anon, authenticated, service_role;

create trigger bump_revision_after_insert after insert on public.tenant_mcp_servers
  referencing new table as changed for each statement execute function private.bump_revision();
create trigger bump_revision_after_update after update on public.tenant_mcp_servers
  referencing new table as changed for each statement execute function private.bump_revision();
create trigger bump_revision_after_delete after delete on public.tenant_mcp_servers
  referencing old table as changed for each statement execute function private.bump_revision();

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
    perform private.refuse_prefix(actor, holder);
  end if;
  perform private.raise_http_error(409, 'server_id_taken', jsonb_build_object('caller', actor));
end
$$;
comment on function private.refuse_taken(jsonb, text, text) is
  'Turns a unique violation into PT409, by the name of the violated constraint.';
revoke all on function private.refuse_taken(jsonb, text, text) from public, anon, authenticated, service_role;
grant execute on function private.refuse_taken(jsonb, text, text) to tenant_scope;

create function private.require_version(actor jsonb, wanted integer, current integer) returns void
language plpgsql
set search_path = ''
as $$
begin
  if wanted <> current then
    perform private.raise_http_error(
      412, 'version_mismatch', jsonb_build_object('caller', actor, 'current_version', current)
    );
  end if;
end
$$;
comment on function private.require_version(jsonb, integer, integer) is
  'Raises PT412, with the current version, if another one is wanted. Null accepts every version.';
revoke all on function private.require_version(jsonb, integer, integer) from public, anon, authenticated, service_role;
grant execute on function private.require_version(jsonb, integer, integer) to tenant_scope;

create function private.server_quota() returns integer
language plpgsql stable
-- Definer: tenant_scope must not read the table of tenants. It answers for the entered tenant only.
security definer
set search_path = ''
as $$
begin
  return (select tenant.max_servers from public.tenants as tenant where tenant.id = private.current_tenant_id());
end
$$;
comment on function private.server_quota() is 'How many servers the entered tenant may have.';
revoke all on function private.server_quota() from public, anon, authenticated, service_role;
grant execute on function private.server_quota() to tenant_scope;

create function private.keep_quota(actor jsonb) returns void
language plpgsql
set search_path = ''
as $$
declare
  quota integer := private.server_quota();
begin
  if (select current.server_count from public.tenant_server_revisions as current) > quota then
    perform private.raise_http_error(409, 'quota_exceeded', jsonb_build_object('caller', actor, 'quota', quota));
  end if;
end
$$;
comment on function private.keep_quota(jsonb) is
  'Raises PT409 if the tenant has more servers than its quota. Call it after the insert, whose lock on the tenant''s revision '
  'makes the count exact.';
revoke all on function private.keep_quota(jsonb) from public, anon, authenticated, service_role;
grant execute on function private.keep_quota(jsonb) to tenant_scope;

create function private.describe_server(server public.tenant_mcp_servers) returns jsonb
language plpgsql stable
set search_path = ''
as $$
begin
  return to_jsonb(server) - 'tenant_id' || jsonb_build_object(
    'created_at', to_char(server.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'),
    'updated_at', to_char(server.updated_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"')
  );
end
$$;
comment on function private.describe_server(public.tenant_mcp_servers) is
  'A server as callers see it. Its times always have six digits of a second: many parsers need them.';
revoke all on function private.describe_server(public.tenant_mcp_servers)
  from public, anon, authenticated, service_role;
grant execute on function private.describe_server(public.tenant_mcp_servers) to tenant_scope;

create function private.find_tool_owner(tool text) returns uuid
language plpgsql stable
-- Definer, for the reason of private.find_overlapping_server. It looks in the entered tenant only.
security definer
set search_path = ''
set plan_cache_mode = 'force_generic_plan'
as $$
declare
  -- A prefix has at most 64 characters.
  segments text[] := string_to_array(lower(left(tool, 64) collate "C"), '.');
  prefixes text[];
begin
  select array_agg(array_to_string(segments[1:depth], '.') || '.') into prefixes
  from generate_series(1, cardinality(segments) - 1) as depth;

  return (
    select server.id
    from public.tenant_mcp_servers as server
    where server.tenant_id = private.current_tenant_id()
      and lower(server.tool_prefix collate "C") = any (prefixes)
    limit 1
  );
end
$$;
comment on function private.find_tool_owner(text) is
  'The server of the entered tenant whose prefix begins the tool''s name, or null. Prefixes do not overlap, so there is at '
  'most one.';
revoke all on function private.find_tool_owner(text) from public, anon, authenticated, service_role;
grant execute on function private.find_tool_owner(text) to tenant_scope;

-- The functions of the endpoints. Each is a security definer that tenant_scope owns, so row-level security binds every
-- statement in it. The new owner of a function needs create on the schema at that time. The last line revokes it.
grant create on schema public to tenant_scope;

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
  perform private.keep_quota(actor);
  -- The next file has this function: PL/pgSQL looks a function up when it first calls it.
  perform private.record_server_event(actor, 'register', registered);
  return jsonb_build_object('caller', actor, 'data', private.describe_server(registered));
exception
  when unique_violation then
    get stacked diagnostics violated = constraint_name;
    perform private.refuse_taken(actor, violated, server ->> 'tool_prefix');
  when foreign_key_violation then
    -- The tenant was deleted meanwhile.
    perform private.raise_http_error(403, 'tenant_not_allowed', jsonb_build_object('caller', actor));
end
$$;
comment on function public.register_mcp_server(jsonb, jsonb) is
  'Adds a server to the caller''s tenant. Raises PT409 server_id_taken, tool_prefix_taken, quota_exceeded.';
revoke all on function public.register_mcp_server(jsonb, jsonb) from public, anon, authenticated, service_role;
grant execute on function public.register_mcp_server(jsonb, jsonb) to service_role, function_caller;
alter function public.register_mcp_server(jsonb, jsonb) owner to tenant_scope;

create function public.list_mcp_servers(caller jsonb, filter jsonb)
-- Not jsonb: json takes half the time for a value that is only sent.
returns json
language plpgsql security definer
set search_path = ''
set statement_timeout = '4s'
-- One plan is good for all values, and planning for each call would take a third of the time.
set plan_cache_mode = 'force_generic_plan'
set enable_bitmapscan = off
as $$
declare
  actor jsonb := private.enter_tenant(caller, 'servers:read');
  -- In variables: row-level security keeps an expression that may fail (a cast) out of an index's condition.
  page_size integer := (filter ->> 'limit')::integer;
  after_server_id text := coalesce(filter -> 'after' ->> 'server_id', '');
  enabled_only boolean := coalesce((filter ->> 'enabled_only')::boolean, false);
  current_revision bigint;
  found record;
  document json;
  servers json[];
  bytes integer := 0;
  more boolean := false;
begin
  if filter -> 'after' ->> 'tenant_id' <> actor ->> 'tenant_id' then
    perform private.raise_http_error(400, 'cursor_of_another_tenant', jsonb_build_object('caller', actor));
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
  for found in
    -- One statement, so that the revision belongs to these servers. Without servers it returns one row.
    select state.revision, page
    from (
      select coalesce((select current.revision from public.tenant_server_revisions as current), 0) as revision
    ) as state
    left join lateral (
      select
        server.id, server.server_id, server.name, server.command, server.args, server.tool_prefix, server.enabled,
        server.version,
        to_char(server.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"') as created_at,
        to_char(server.updated_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"') as updated_at
      from public.tenant_mcp_servers as server
      where server.server_id > after_server_id and (server.enabled or not enabled_only)
      order by server.server_id
      limit page_size + 1
    ) as page on true
  loop
    current_revision := found.revision;
    -- A page ends after 1 MiB. Rows past its end are not converted to JSON.
    more := cardinality(servers) = page_size or bytes > 1048576;
    exit when more or found.page is null;
    document := to_json(found.page);
    servers := servers || document;
    bytes := bytes + octet_length(document::text);
  end loop;
  return json_build_object(
    'caller', actor,
    'data', json_build_object(
      'revision', current_revision, 'servers', coalesce(array_to_json(servers), '[]'), 'more', coalesce(more, false)
    )
  );
end
$$;
comment on function public.list_mcp_servers(jsonb, jsonb) is
  'A page of the caller''s servers by server_id, about 1 MiB at most, with the tenant''s revision: {"limit", '
  '"enabled_only"?, "after"?: '
  '{"tenant_id", "server_id"}, "known_revisions"?: [{"tenant_id", "revision"}]}. It reads no server if the revision is one '
  'of the known ones. Raises PT400 if "after" names another tenant.';
revoke all on function public.list_mcp_servers(jsonb, jsonb) from public, anon, authenticated, service_role;
grant execute on function public.list_mcp_servers(jsonb, jsonb) to service_role, function_caller;
alter function public.list_mcp_servers(jsonb, jsonb) owner to tenant_scope;

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
    perform private.raise_http_error(404, 'not_found', jsonb_build_object('caller', actor));
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
  return jsonb_build_object(
    'caller', actor,
    'data', case
      when actor -> 'scopes' ? 'servers:read' then private.describe_server(after)
      else jsonb_build_object('server_id', after.server_id, 'version', after.version)
    end,
    'changed', case when changed_fields is not null then private.describe_server(after) end
  );
exception when unique_violation then
  get stacked diagnostics violated = constraint_name;
  perform private.refuse_taken(actor, violated, changes ->> 'tool_prefix');
end
$$;
comment on function public.update_mcp_server(jsonb, text, jsonb, integer) is
  'Changes only the given fields of name, command, args, tool_prefix and enabled. Returns the server; to a key without '
  'servers:read only its server_id and version. "changed" is the server if it was changed: for the Executors, not for the '
  'caller. Raises PT404, PT409 tool_prefix_taken, PT412 version_mismatch.';
revoke all on function public.update_mcp_server(jsonb, text, jsonb, integer) from public, anon, authenticated, service_role;
grant execute on function public.update_mcp_server(jsonb, text, jsonb, integer) to service_role, function_caller;
alter function public.update_mcp_server(jsonb, text, jsonb, integer) owner to tenant_scope;

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
    perform private.raise_http_error(404, 'not_found', jsonb_build_object('caller', actor));
  end if;
  perform private.require_version(actor, if_version, deleted.version);
  perform private.record_server_event(actor, 'delete', deleted);
  return jsonb_build_object(
    'caller', actor,
    'data', jsonb_build_object('server_id', server_id, 'deleted', true),
    'changed', private.describe_server(deleted)
  );
end
$$;
comment on function public.delete_mcp_server(jsonb, text, integer) is
  'Deletes a server permanently. "changed" is what was deleted: for the Executors, not for the caller. Raises PT404, PT412 '
  'version_mismatch.';
revoke all on function public.delete_mcp_server(jsonb, text, integer) from public, anon, authenticated, service_role;
grant execute on function public.delete_mcp_server(jsonb, text, integer) to service_role, function_caller;
alter function public.delete_mcp_server(jsonb, text, integer) owner to tenant_scope;

create function private.decide_tool(actor jsonb, needed_scopes text[], tool text) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  owner public.tenant_mcp_servers;
  own_name text;
  reason text;
begin
  if not actor -> 'scopes' ?& needed_scopes then
    reason := 'insufficient_scope';
  elsif tool is null then
    reason := 'no_tool';
  else
    select server.* into owner
    from public.tenant_mcp_servers as server
    where server.id = private.find_tool_owner(tool);
    own_name := substr(tool, char_length(owner.tool_prefix) + 1);
    reason := case
      when owner.id is null or own_name = '' then 'no_server'
      -- The server would use the credential of its prefix.
      when actor ->> 'services' is not null and not actor -> 'services' ? rtrim(owner.tool_prefix, '.')
        then 'insufficient_scope'
      when not owner.enabled then 'server_disabled'
    end;
  end if;
  if reason is not null then
    return jsonb_build_object('caller', actor, 'data', jsonb_build_object('allowed', false, 'reason', reason));
  end if;
  return jsonb_build_object('caller', actor, 'data', jsonb_build_object(
    'allowed', true, 'tool', own_name, 'server', private.describe_server(owner)
  ));
end
$$;
comment on function private.decide_tool(jsonb, text[], text) is
  'Whether a caller may call a tool: the enabled server of the entered tenant that owns it and the tool''s name there, or a '
  'reason: insufficient_scope, no_tool, no_server, server_disabled.';
revoke all on function private.decide_tool(jsonb, text[], text) from public, anon, authenticated, service_role;
grant execute on function private.decide_tool(jsonb, text[], text) to tenant_scope;

create function public.authorize_tool(caller jsonb, tool text) returns jsonb
language plpgsql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
begin
  -- servers:read too, because the answer shows the server.
  return private.decide_tool(private.enter_tenant(caller, null), '{tools:call,servers:read}', tool);
end
$$;
comment on function public.authorize_tool(jsonb, text) is
  'For authorize: the decision of private.decide_tool for a key with tools:call and servers:read. With a null tool it '
  'identifies the caller. Raises PT401, PT403.';
revoke all on function public.authorize_tool(jsonb, text) from public, anon, authenticated, service_role;
grant execute on function public.authorize_tool(jsonb, text) to service_role, function_caller;
alter function public.authorize_tool(jsonb, text) owner to tenant_scope;

create function public.list_callable_servers(caller jsonb, known jsonb default null) returns json
language plpgsql security definer
set search_path = ''
set statement_timeout = '4s'
set plan_cache_mode = 'force_generic_plan'
set enable_bitmapscan = off
as $$
declare
  actor jsonb := private.enter_tenant(caller, null);
  current_revision bigint;
  servers json;
begin
  if not actor -> 'scopes' ? 'tools:call' then
    return json_build_object('caller', actor, 'data', json_build_object('revision', 0, 'servers', '[]'::json));
  end if;
  if known ->> 'tenant_id' = actor ->> 'tenant_id' then
    current_revision := coalesce((select current.revision from public.tenant_server_revisions as current), 0);
    if (known ->> 'revision')::bigint = current_revision then
      return json_build_object('caller', actor, 'data', json_build_object('revision', current_revision));
    end if;
  end if;
  -- One statement, so that the revision belongs to these servers.
  select
    coalesce((select current.revision from public.tenant_server_revisions as current), 0),
    coalesce(json_agg(json_build_object(
      'id', server.id, 'server_id', server.server_id, 'version', server.version, 'command', server.command,
      'args', server.args, 'tool_prefix', server.tool_prefix
    ) order by server.server_id), '[]')
  into current_revision, servers
  from public.tenant_mcp_servers as server
  where server.enabled
    and (actor ->> 'services' is null or actor -> 'services' ? rtrim(server.tool_prefix, '.'));
  return json_build_object(
    'caller', actor, 'data', json_build_object('revision', current_revision, 'servers', servers)
  );
end
$$;
comment on function public.list_callable_servers(jsonb, jsonb) is
  'For the gateway: the enabled servers of the caller''s tenant with the tenant''s revision, as far as the key has tools:call '
  'and their services. Without "servers" if {"tenant_id", "revision"} is known: then it reads no server.';
revoke all on function public.list_callable_servers(jsonb, jsonb) from public, anon, authenticated, service_role;
grant execute on function public.list_callable_servers(jsonb, jsonb) to service_role, function_caller;
alter function public.list_callable_servers(jsonb, jsonb) owner to tenant_scope;

revoke create on schema public from tenant_scope;

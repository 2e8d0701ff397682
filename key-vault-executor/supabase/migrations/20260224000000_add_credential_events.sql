-- A record of each act on a credential, and the functions that act. Each writes its event in the same statement.

create table public.credential_events (
  id uuid not null default gen_random_uuid(),
  tenant_id text not null,
  occurred_at timestamptz not null default clock_timestamp(),
  action text not null,
  credential_id uuid not null,
  service text not null,
  credential_type text not null,
  actor_kind text not null,
  actor_id uuid,
  request_id text,
  executor_id uuid,
  server_id text,
  primary key (occurred_at, id)
);
comment on table public.credential_events is
  'What was done to the credentials of each tenant, and by whom, without values. Append-only. Events outlive their tenant.';
comment on column public.credential_events.request_id is
  'The x-request-id, which is also in the request''s log line. A rotation has one id for all credentials that it reseals. A '
  'use has the jti of its decision.';
comment on column public.credential_events.executor_id is
  'The kernel key of the Executor that used the credential. Null unless the action is use: then actor_id called the tool.';
comment on column public.credential_events.server_id is 'The server that the credential was used for. Null otherwise.';
create index credential_events_tenant_id_idx on public.credential_events (tenant_id, occurred_at, id);

alter table public.credential_events enable row level security;
revoke all on public.credential_events from public, anon, authenticated, service_role;
grant select, insert on public.credential_events to tenant_scope;

create policy "a tenant sees its own credential events" on public.credential_events
  for select to tenant_scope using (tenant_id = nullif((select current_setting('app.tenant_id', true)), ''));
create policy "a tenant adds credential events to itself" on public.credential_events
  for insert to tenant_scope with check (tenant_id = nullif((select current_setting('app.tenant_id', true)), ''));
create policy "a key sees events of the services that it is limited to" on public.credential_events
  as restrictive for select to tenant_scope
  using (coalesce((
    select nullif(known.setting, '')::text[] from (select current_setting('app.services', true) as setting) as known
  ) @> array[service], true));
-- Not a CHECK: PostgreSQL prepares every CHECK for every statement, and plans a policy once a session. No policy binds the
-- operators' functions: they write constants and values of the rows, and check a request_id themselves.
create policy "what runs for a tenant records acts of agents and kernels" on public.credential_events
  as restrictive for insert to tenant_scope
  with check (
    tenant_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
    and action in ('store', 'replace', 'retrieve', 'use', 'delete')
    and (action = 'use') = (executor_id is not null)
    and (action = 'use') = (server_id is not null)
    and actor_kind in ('agent', 'kernel')
    and actor_id is not null
    and (request_id is null or char_length(request_id) <= 128 and request_id ~ '^[A-Za-z0-9_.:-]+$')
  );

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
create trigger keep_append_only before update or delete or truncate on public.credential_events
  for each statement execute function private.refuse_change();

-- For the tenant functions below, as in the previous migration.
grant create on schema public to tenant_scope;

create function public.store_credential(caller jsonb, credential jsonb) returns jsonb
language plpgsql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
declare
  actor jsonb := private.enter_tenant(caller, 'credentials:write', credential ->> 'service');
  answer jsonb;
begin
  with stored as (
    insert into public.tenant_credentials as existing
      (tenant_id, service, credential_type, encrypted_credentials, encryption_key_id)
    values (
      actor ->> 'tenant_id',
      credential ->> 'service',
      credential ->> 'credential_type',
      decode(credential ->> 'encrypted_credentials', 'base64'),
      credential ->> 'encryption_key_id'
    )
    on conflict (tenant_id, service, credential_type) do update
    set encrypted_credentials = excluded.encrypted_credentials,
        encryption_key_id = excluded.encryption_key_id,
        updated_at = clock_timestamp()
    -- An update locks the row first, which sets xmax to this transaction. A new row has xmax = 0.
    returning existing.*, existing.xmax = 0 as is_new
  ), recorded as (
    insert into public.credential_events
      (tenant_id, action, credential_id, service, credential_type, actor_kind, actor_id, request_id)
    select
      stored.tenant_id, case when stored.is_new then 'store' else 'replace' end, stored.id, stored.service,
      stored.credential_type, actor ->> 'kind', (actor ->> 'id')::uuid, actor ->> 'request_id'
    from stored
  )
  select jsonb_build_object(
    'credential_id', stored.id,
    'service', stored.service,
    'credential_type', stored.credential_type,
    'created_at', to_char(stored.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'),
    'created', stored.is_new
  ) into answer
  from stored;
  return jsonb_build_object('data', answer);
end
$$;
comment on function public.store_credential(jsonb, jsonb) is
  'Stores sealed bytes (base64) for a service and type. Replaces a credential that exists: its id and created_at stay.';
revoke all on function public.store_credential(jsonb, jsonb) from public, anon, authenticated, service_role;
grant execute on function public.store_credential(jsonb, jsonb) to service_role, function_caller;
alter function public.store_credential(jsonb, jsonb) owner to tenant_scope;

create function public.retrieve_credential(caller jsonb, selector jsonb) returns json
language plpgsql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
declare
  actor jsonb := private.enter_tenant(caller, 'credentials:reveal', selector ->> 'service');
  answer json;
  key_id text;
begin
  -- Replaces an id by its service and type. The lock ensures that they keep naming the same row.
  if selector ->> 'credential_id' is not null then
    select selector || jsonb_build_object('service', credential.service, 'credential_type', credential.credential_type)
    into selector
    from public.tenant_credentials as credential
    where credential.id = (selector ->> 'credential_id')::uuid
    for no key update;
  end if;
  with opened as (
    update public.tenant_credentials as credential
    set last_used_at = clock_timestamp()
    where credential.service = selector ->> 'service'
      and credential.credential_type = selector ->> 'credential_type'
    returning
      credential.id as credential_id, credential.service, credential.credential_type,
      -- replace works line by line. translate works character by character, which is slow for a long value.
      replace(encode(credential.encrypted_credentials, 'base64'), E'\n', '') as encrypted_credentials,
      credential.encryption_key_id
  ), recorded as (
    insert into public.credential_events
      (tenant_id, action, credential_id, service, credential_type, actor_kind, actor_id, request_id)
    select
      actor ->> 'tenant_id', 'retrieve', opened.credential_id, opened.service, opened.credential_type,
      actor ->> 'kind', (actor ->> 'id')::uuid, actor ->> 'request_id'
    from opened
  )
  select json_build_object('data', opened), opened.encryption_key_id into answer, key_id from opened;
  if answer is null then
    perform private.raise_http_error(404, 'not_found', jsonb_build_object('caller', actor));
  end if;
  if not coalesce(selector -> 'encryption_key_ids' ? key_id, true) then
    perform private.raise_http_error(
      409, 'unknown_encryption_key', jsonb_build_object('caller', actor, 'encryption_key_id', key_id)
    );
  end if;
  return answer;
end
$$;
comment on function public.retrieve_credential(jsonb, jsonb) is
  'Returns the sealed bytes (base64) by {"credential_id"} or {"service", "credential_type"}. Sets last_used_at and records '
  'an event. "encryption_key_ids"? lists the keys that the caller can open with. Raises PT404; raises PT409 '
  'unknown_encryption_key, and changes nothing, if the row''s key is not in that list.';
revoke all on function public.retrieve_credential(jsonb, jsonb) from public, anon, authenticated, service_role;
grant execute on function public.retrieve_credential(jsonb, jsonb) to service_role, function_caller;
alter function public.retrieve_credential(jsonb, jsonb) owner to tenant_scope;

create function public.use_credentials(caller jsonb, decided jsonb) returns json
language plpgsql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
declare
  executor jsonb := private.enter_tenant(caller, 'credentials:use', decided ->> 'service');
  wanted_service text := decided ->> 'service';
  types text[];
  answer json;
  unknown_key_id text;
begin
  if executor ->> 'kind' is distinct from 'kernel' then
    perform private.raise_http_error(403, 'kernel_required', jsonb_build_object('caller', executor));
  end if;
  types := array(
    select credential.credential_type
    from public.tenant_credentials as credential
    where credential.service = wanted_service
    order by credential.credential_type <> 'api_key', credential.credential_type
    limit 10
  );
  -- reseal_credentials locks in the same order, so that the two cannot deadlock.
  perform from public.tenant_credentials as credential
  where credential.service = wanted_service and credential.credential_type = any (types)
  order by credential.id
  for no key update;

  with opened as (
    update public.tenant_credentials as credential
    set last_used_at = clock_timestamp()
    where credential.service = wanted_service and credential.credential_type = any (types)
    returning
      credential.id as credential_id, credential.service, credential.credential_type,
      replace(encode(credential.encrypted_credentials, 'base64'), E'\n', '') as encrypted_credentials,
      credential.encryption_key_id
  ), recorded as (
    insert into public.credential_events (
      tenant_id, action, credential_id, service, credential_type, actor_kind, actor_id, request_id, executor_id, server_id
    )
    select
      executor ->> 'tenant_id', 'use', opened.credential_id, opened.service, opened.credential_type,
      decided -> 'actor' ->> 'kind', (decided -> 'actor' ->> 'id')::uuid, decided ->> 'request_id',
      (executor ->> 'id')::uuid, decided ->> 'server_id'
    from opened
  )
  select
    json_build_object(
      'data', json_build_object(
        'credentials', coalesce(json_agg(opened order by opened.credential_type collate "C"), '[]')
      )
    ),
    min(opened.encryption_key_id) filter (where not decided -> 'encryption_key_ids' ? opened.encryption_key_id)
  into answer, unknown_key_id
  from opened;
  if unknown_key_id is not null then
    perform private.raise_http_error(
      409, 'unknown_encryption_key', jsonb_build_object('caller', executor, 'encryption_key_id', unknown_key_id)
    );
  end if;
  return answer;
end
$$;
comment on function public.use_credentials(jsonb, jsonb) is
  'For an Executor, a kernel: the sealed bytes (base64) of a service''s credentials, at most 10, type api_key first. Sets '
  'last_used_at and records events: {"service", "actor": {"kind", "id"}, "server_id", "request_id", "encryption_key_ids"?}, '
  'which are those of a verified decision. Raises PT403 for an agent; raises PT409 unknown_encryption_key as '
  'retrieve_credential does.';
revoke all on function public.use_credentials(jsonb, jsonb) from public, anon, authenticated, service_role;
grant execute on function public.use_credentials(jsonb, jsonb) to service_role, function_caller;
alter function public.use_credentials(jsonb, jsonb) owner to tenant_scope;

create function private.select_credential(selector jsonb) returns uuid
language plpgsql stable
set search_path = ''
as $$
declare
  wanted_service text := selector ->> 'service';
  wanted_type text := selector ->> 'credential_type';
begin
  if selector ->> 'credential_id' is not null then
    return (selector ->> 'credential_id')::uuid;
  end if;
  return (
    select credential.id from public.tenant_credentials as credential
    where credential.service = wanted_service and credential.credential_type = wanted_type
  );
end
$$;
comment on function private.select_credential(jsonb) is
  'The id for {"credential_id"} or {"service", "credential_type"} in the entered tenant. It does not check a given id.';
revoke all on function private.select_credential(jsonb) from public, anon, authenticated, service_role;
grant execute on function private.select_credential(jsonb) to tenant_scope;

create function public.delete_credential(caller jsonb, selector jsonb) returns jsonb
language plpgsql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
declare
  actor jsonb := private.enter_tenant(caller, 'credentials:write', selector ->> 'service');
  deleted_id uuid;
begin
  with deleted as (
    delete from public.tenant_credentials as credential
    where credential.id = private.select_credential(selector)
    returning credential.*
  ), recorded as (
    insert into public.credential_events
      (tenant_id, action, credential_id, service, credential_type, actor_kind, actor_id, request_id)
    select
      deleted.tenant_id, 'delete', deleted.id, deleted.service, deleted.credential_type,
      actor ->> 'kind', (actor ->> 'id')::uuid, actor ->> 'request_id'
    from deleted
  )
  select deleted.id into deleted_id from deleted;
  if deleted_id is null then
    perform private.raise_http_error(404, 'not_found', jsonb_build_object('caller', actor));
  end if;
  return jsonb_build_object('data', jsonb_build_object('credential_id', deleted_id, 'deleted', true));
end
$$;
comment on function public.delete_credential(jsonb, jsonb) is
  'Deletes a credential permanently, by {"credential_id"} or {"service", "credential_type"}. Raises PT404.';
revoke all on function public.delete_credential(jsonb, jsonb) from public, anon, authenticated, service_role;
grant execute on function public.delete_credential(jsonb, jsonb) to service_role, function_caller;
alter function public.delete_credential(jsonb, jsonb) owner to tenant_scope;

-- Written like list_credentials, for the same reasons. The times have one form, so their text sorts like the times.
create function public.list_credential_events(caller jsonb, filter jsonb) returns json
language plpgsql security definer
set search_path = ''
set statement_timeout = '4s'
set plan_cache_mode = 'force_generic_plan'
set enable_bitmapscan = off
as $$
declare
  actor jsonb := private.enter_tenant(caller, 'credentials:read', filter ->> 'service');
  page_size integer := (filter ->> 'limit')::integer;
  wanted_action text := filter ->> 'action';
  wanted_service text := filter ->> 'service';
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
    'data', json_build_object(
      'events', coalesce(
        array_to_json((array_agg(page order by page.occurred_at collate "C" desc, page.id desc))[1:page_size]), '[]'
      ),
      'more', count(*) > page_size
    )
  ) into answer
  from (
    select
      event.id, to_char(event.occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"') as occurred_at,
      event.action, event.credential_id, event.service, event.credential_type,
      event.actor_kind, event.actor_id, event.request_id, event.executor_id, event.server_id
    from public.credential_events as event
    where (wanted_action is null or event.action = wanted_action)
      and (wanted_service is null or event.service = wanted_service)
      and event.occurred_at >= since
      and (event.occurred_at, event.id) < (before_occurred_at, before_id)
    order by event.occurred_at desc, event.id desc
    limit page_size + 1
  ) as page;
  return answer;
end
$$;
comment on function public.list_credential_events(jsonb, jsonb) is
  'A page of what was done to the caller''s credentials, newest first: {"limit", "action"?, "service"?, "since"?, "until"?, '
  '"after"?: {"tenant_id", "occurred_at", "id"}}. "until" is exclusive. Raises PT400 if "after" names another tenant.';
revoke all on function public.list_credential_events(jsonb, jsonb) from public, anon, authenticated, service_role;
grant execute on function public.list_credential_events(jsonb, jsonb) to service_role, function_caller;
alter function public.list_credential_events(jsonb, jsonb) owner to tenant_scope;

revoke create on schema public from tenant_scope;

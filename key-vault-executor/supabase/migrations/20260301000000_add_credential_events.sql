-- Who saw what, and who may: a record of each act, written in its transaction, and keys that are limited to certain services.

-- app.services is what the caller of this transaction is limited to; '' or none where it is not limited. Read once, and not
-- for each row.
create policy "a key touches the services that it is limited to" on public.tenant_credentials
  as restrictive for all to tenant_scope
  using (coalesce((select nullif((select current_setting('app.services', true)), '')::text[]) @> array[service], true));

-- For each key its rows in the order of their ids: by this a rotation finds what is left.
create index tenant_credentials_encryption_key_id_idx on public.tenant_credentials (encryption_key_id, id);

-- One function for all of a row: PostgreSQL reads and prepares each CHECK anew for each statement.
create function private.is_credential_event(action text, actor_kind text, actor_id uuid, request_id text) returns boolean
language plpgsql immutable
set search_path = ''
as $$
begin
  return action in ('store', 'replace', 'retrieve', 'delete', 'rotate')
    and actor_kind in ('agent', 'kernel', 'operator')
    and (actor_id is null) = (actor_kind = 'operator')
    and (request_id is null or char_length(request_id) <= 128 and request_id ~ '^[A-Za-z0-9_.:-]+$');
end
$$;
comment on function private.is_credential_event(text, text, uuid, text) is
  'Whether an event may be recorded: a known action of an actor, who has an id unless it is an operator.';
revoke all on function private.is_credential_event(text, text, uuid, text) from public, anon, authenticated, service_role;
grant execute on function private.is_credential_event(text, text, uuid, text) to tenant_scope;

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
  primary key (occurred_at, id),
  constraint event_form check (private.is_credential_event(action, actor_kind, actor_id, request_id))
);
comment on table public.credential_events is
  'What was done to the credentials of each tenant, and by whom; never a value. Append-only. It outlives its tenant.';
comment on column public.credential_events.request_id is
  'The x-request-id, which the request''s log line has too; of a rotation one id for all that it re-seals.';
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
  using (coalesce((select nullif((select current_setting('app.services', true)), '')::text[]) @> array[service], true));

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

create trigger keep_append_only before update or delete or truncate on public.credential_events
  for each statement execute function private.refuse_change();

drop function private.enter_tenant(jsonb, text);
create function private.enter_tenant(caller jsonb, scope text, service text) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  entered text;
begin
  if current_user <> 'tenant_scope' then
    raise exception 'private.enter_tenant was called as %, whom row-level security may not bind', current_user;
  end if;
  if coalesce(caller ->> 'tenant_id', '') = '' then
    perform private.refuse(401, 'unauthenticated');
  end if;
  if not coalesce(caller -> 'scopes' ? scope, false) then
    perform private.refuse(403, 'insufficient_scope', jsonb_build_object('caller', caller, 'scope', scope));
  end if;
  -- Assigned, since what is performed is a query.
  if caller ->> 'services' is null then
    entered := set_config('app.tenant_id', caller ->> 'tenant_id', true) || set_config('app.services', '', true);
    return caller;
  end if;
  if not caller -> 'services' ? service then
    perform private.refuse(
      403, 'insufficient_scope', jsonb_build_object('caller', caller, 'scope', scope, 'limited', true)
    );
  end if;
  entered := set_config('app.tenant_id', caller ->> 'tenant_id', true);
  entered := set_config('app.services', array(select jsonb_array_elements_text(caller -> 'services'))::text, true);
  return caller;
end
$$;
comment on function private.enter_tenant(jsonb, text, text) is
  'Asks for the scope, and for the service where one is named, and enters the caller''s tenant until the transaction ends. '
  'The caller is what the hub''s authenticate_caller answered, with a "request_id"?; this database holds no keys to check it '
  'by. Returns it.';
revoke all on function private.enter_tenant(jsonb, text, text) from public, anon, authenticated, service_role;
grant execute on function private.enter_tenant(jsonb, text, text) to tenant_scope;

-- The event is written by the statement of the act.
create or replace function public.store_credential(caller jsonb, credential jsonb) returns jsonb
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
    -- The update branch locks the row first, which leaves this transaction in xmax; a new row has none.
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
    'created_at', stored.created_at,
    'created', stored.is_new
  ) into answer
  from stored;
  return jsonb_build_object('data', answer);
end
$$;

drop function public.list_credentials(jsonb, jsonb);
-- json costs half of what jsonb does for what is only written and sent. What coalesce or a cast makes stands in variables:
-- row-level security keeps an expression that may fail out of an index's condition. One plan is as good for all
-- values, and planning for each takes a third of the time.
create function public.list_credentials(caller jsonb, filter jsonb) returns json
language plpgsql security definer
set search_path = ''
set statement_timeout = '4s'
set plan_cache_mode = 'force_generic_plan'
set enable_bitmapscan = off
as $$
declare
  actor jsonb := private.enter_tenant(caller, 'credentials:read', filter ->> 'service');
  page_size integer := (filter ->> 'limit')::integer;
  -- A range, so that services are found by the index, be it one that is asked for or those that the key is limited to. No
  -- service is after 65 z's.
  first_service text := coalesce(filter ->> 'service', '');
  last_service text := coalesce(filter ->> 'service', repeat('z', 65));
  after_service text := coalesce(filter -> 'after' ->> 'service', '');
  after_type text := coalesce(filter -> 'after' ->> 'credential_type', '');
  credentials json[];
begin
  if filter -> 'after' ->> 'tenant_id' <> actor ->> 'tenant_id' then
    perform private.refuse(400, 'cursor_of_another_tenant', jsonb_build_object('caller', actor));
  end if;
  if filter ->> 'service' is null and actor ->> 'services' is not null then
    select min(service), max(service) into first_service, last_service
    from jsonb_array_elements_text(actor -> 'services') as service;
  end if;
  -- One lower bound: of two the index begins at the first that it finds, and walks from there to the other.
  if after_service < first_service then
    after_service := first_service;
    after_type := '';
  end if;
  select array_agg(to_json(page) order by page.service, page.credential_type) into credentials
  from (
    select
      credential.id, credential.service, credential.credential_type,
      credential.created_at, credential.updated_at, credential.last_used_at
    from public.tenant_credentials as credential
    where (credential.service, credential.credential_type) > (after_service, after_type)
      and credential.service <= last_service
    order by credential.service, credential.credential_type
    limit page_size + 1
  ) as page;
  return json_build_object(
    'data', json_build_object(
      'credentials', coalesce(array_to_json(credentials[1:page_size]), '[]'),
      'more', coalesce(cardinality(credentials) > page_size, false)
    )
  );
end
$$;
comment on function public.list_credentials(jsonb, jsonb) is
  'A page of the caller''s credentials, without their values: {"limit", "service"?, "after"?: {"tenant_id", "service", '
  '"credential_type"}}. Raises PT400 when "after" is another tenant''s.';

drop function public.retrieve_credential(jsonb, jsonb);
create function public.retrieve_credential(caller jsonb, selector jsonb) returns json
language plpgsql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
declare
  actor jsonb := private.enter_tenant(caller, 'credentials:reveal', selector ->> 'service');
  retrieved record;
begin
  -- What is wanted by its id is found by its service and type too, and is still that one when it is changed.
  if selector ->> 'credential_id' is not null then
    select selector || jsonb_build_object('service', credential.service, 'credential_type', credential.credential_type)
    into selector
    from public.tenant_credentials as credential
    where credential.id = (selector ->> 'credential_id')::uuid;
  end if;
  with opened as (
    update public.tenant_credentials as credential
    set last_used_at = clock_timestamp()
    where credential.service = selector ->> 'service'
      and credential.credential_type = selector ->> 'credential_type'
      and (selector ->> 'credential_id' is null or credential.id = (selector ->> 'credential_id')::uuid)
    returning credential.*
  ), recorded as (
    insert into public.credential_events
      (tenant_id, action, credential_id, service, credential_type, actor_kind, actor_id, request_id)
    select
      opened.tenant_id, 'retrieve', opened.id, opened.service, opened.credential_type,
      actor ->> 'kind', (actor ->> 'id')::uuid, actor ->> 'request_id'
    from opened
  )
  select opened.* into retrieved from opened;
  if retrieved.id is null then
    perform private.refuse(404, 'not_found', jsonb_build_object('caller', actor));
  end if;
  if not coalesce(selector -> 'encryption_key_ids' ? retrieved.encryption_key_id, true) then
    perform private.refuse(
      409, 'unknown_encryption_key',
      jsonb_build_object('caller', actor, 'encryption_key_id', retrieved.encryption_key_id)
    );
  end if;
  return json_build_object('data', json_build_object(
    'credential_id', retrieved.id,
    'service', retrieved.service,
    'credential_type', retrieved.credential_type,
    'encrypted_credentials', translate(encode(retrieved.encrypted_credentials, 'base64'), E'\n', ''),
    'encryption_key_id', retrieved.encryption_key_id
  ));
end
$$;
comment on function public.retrieve_credential(jsonb, jsonb) is
  'The sealed bytes (base64) by {"credential_id"} or {"service", "credential_type"}, with "encryption_key_ids"?, the keys that '
  'whoever opens them has; records it, and moves last_used_at. Raises PT404, and PT409 unknown_encryption_key, which changes '
  'nothing, when the row''s key is not among them.';

create or replace function public.delete_credential(caller jsonb, selector jsonb) returns jsonb
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
    perform private.refuse(404, 'not_found', jsonb_build_object('caller', actor));
  end if;
  return jsonb_build_object('data', jsonb_build_object('credential_id', deleted_id, 'deleted', true));
end
$$;

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
      event.id, event.occurred_at, event.action, event.credential_id, event.service, event.credential_type,
      event.actor_kind, event.actor_id, event.request_id
    from public.credential_events as event
    where (wanted_action is null or event.action = wanted_action)
      and (wanted_service is null or event.service = wanted_service)
      and event.occurred_at >= since
      and (event.occurred_at, event.id) < (before_occurred_at, before_id)
    order by event.occurred_at desc, event.id desc
    limit page_size + 1
  ) as page;
  return json_build_object(
    'data', json_build_object(
      'events', coalesce(array_to_json(events[1:page_size]), '[]'),
      'more', coalesce(cardinality(events) > page_size, false)
    )
  );
end
$$;
comment on function public.list_credential_events(jsonb, jsonb) is
  'A page of what was done to the caller''s credentials, newest first: {"limit", "action"?, "service"?, "since"?, "until"?, '
  '"after"?: {"tenant_id", "occurred_at", "id"}}; until is exclusive. Raises PT400 when "after" is another tenant''s.';

revoke all on function public.list_credentials(jsonb, jsonb) from public, anon, authenticated, service_role;
revoke all on function public.retrieve_credential(jsonb, jsonb) from public, anon, authenticated, service_role;
revoke all on function public.list_credential_events(jsonb, jsonb) from public, anon, authenticated, service_role;
grant execute on function public.list_credentials(jsonb, jsonb) to service_role;
grant execute on function public.retrieve_credential(jsonb, jsonb) to service_role;
grant execute on function public.list_credential_events(jsonb, jsonb) to service_role;

-- A new owner needs create on the schema for the moment of the change.
grant create on schema public to tenant_scope;
alter function public.list_credentials(jsonb, jsonb) owner to tenant_scope;
alter function public.retrieve_credential(jsonb, jsonb) owner to tenant_scope;
alter function public.list_credential_events(jsonb, jsonb) owner to tenant_scope;
revoke create on schema public from tenant_scope;

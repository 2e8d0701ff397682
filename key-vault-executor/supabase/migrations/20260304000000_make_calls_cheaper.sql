-- Faster: PostgreSQL prepares each CHECK anew for each statement, also of columns that it does not change, and PL/pgSQL each
-- expression in each transaction; and an array of rows becomes JSON sooner than each row does.

create or replace function private.enter_tenant(caller jsonb, scope text, service text) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  standing text := case
    when current_user <> 'tenant_scope' then 'unbound'
    when coalesce(caller ->> 'tenant_id', '') = '' then 'unauthenticated'
    when not coalesce(caller -> 'scopes' ? scope, false) then 'without the scope'
    when caller ->> 'services' is null then 'unlimited'
    when not caller -> 'services' ? service then 'without the service'
    else 'limited'
  end;
  entered text;
begin
  -- Assigned, since what is performed is a query.
  if standing = 'unlimited' then
    entered := set_config('app.tenant_id', caller ->> 'tenant_id', true) || set_config('app.services', '', true);
  elsif standing = 'limited' then
    entered := set_config('app.tenant_id', caller ->> 'tenant_id', true);
    entered := set_config('app.services', array(select jsonb_array_elements_text(caller -> 'services'))::text, true);
  elsif standing = 'unbound' then
    raise exception 'private.enter_tenant was called as %, whom row-level security may not bind', current_user;
  elsif standing = 'unauthenticated' then
    perform private.refuse(401, 'unauthenticated');
  elsif standing = 'without the scope' then
    perform private.refuse(403, 'insufficient_scope', jsonb_build_object('caller', caller, 'scope', scope));
  else
    perform private.refuse(
      403, 'insufficient_scope', jsonb_build_object('caller', caller, 'scope', scope, 'limited', true)
    );
  end if;
  return caller;
end
$$;

create or replace function public.list_credentials(caller jsonb, filter jsonb) returns json
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
  answer json;
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
  select json_build_object(
    'data', json_build_object(
      'credentials', coalesce(
        array_to_json((array_agg(page order by page.service, page.credential_type))[1:page_size]), '[]'
      ),
      'more', count(*) > page_size
    )
  ) into answer
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
  return answer;
end
$$;

create or replace function public.retrieve_credential(caller jsonb, selector jsonb) returns json
language plpgsql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
declare
  actor jsonb := private.enter_tenant(caller, 'credentials:reveal', selector ->> 'service');
  answer json;
  key_id text;
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
    returning
      credential.id, credential.tenant_id, credential.service, credential.credential_type,
      credential.encrypted_credentials, credential.encryption_key_id
  ), recorded as (
    insert into public.credential_events
      (tenant_id, action, credential_id, service, credential_type, actor_kind, actor_id, request_id)
    select
      opened.tenant_id, 'retrieve', opened.id, opened.service, opened.credential_type,
      actor ->> 'kind', (actor ->> 'id')::uuid, actor ->> 'request_id'
    from opened
  )
  select
    json_build_object('data', json_build_object(
      'credential_id', opened.id,
      'service', opened.service,
      'credential_type', opened.credential_type,
      'encrypted_credentials', translate(encode(opened.encrypted_credentials, 'base64'), E'\n', ''),
      'encryption_key_id', opened.encryption_key_id
    )),
    opened.encryption_key_id
  into answer, key_id
  from opened;
  if answer is null then
    perform private.refuse(404, 'not_found', jsonb_build_object('caller', actor));
  end if;
  if not coalesce(selector -> 'encryption_key_ids' ? key_id, true) then
    perform private.refuse(
      409, 'unknown_encryption_key', jsonb_build_object('caller', actor, 'encryption_key_id', key_id)
    );
  end if;
  return answer;
end
$$;

create or replace function public.list_credential_events(caller jsonb, filter jsonb) returns json
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
    perform private.refuse(400, 'cursor_of_another_tenant', jsonb_build_object('caller', actor));
  end if;
  -- One upper bound: of two the index begins at the first that it finds, and walks from there to the other.
  if until <= before_occurred_at then
    before_occurred_at := until;
    before_id := '00000000-0000-0000-0000-000000000000';
  end if;
  select json_build_object(
    'data', json_build_object(
      'events', coalesce(
        array_to_json((array_agg(page order by page.occurred_at desc, page.id desc))[1:page_size]), '[]'
      ),
      'more', count(*) > page_size
    )
  ) into answer
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
  return answer;
end
$$;

create or replace function public.reseal_credentials(batch jsonb, request_id text) returns jsonb
language plpgsql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
declare
  resealed bigint;
begin
  if char_length(request_id) > 128 or request_id !~ '^[A-Za-z0-9_.:-]+$' then
    raise exception 'the request_id of an event has at most 128 of A-Z a-z 0-9 _ . : -' using errcode = '23514';
  end if;
  -- In one order, so that two rotations do not wait for one another.
  perform from public.tenant_credentials as credential
  where credential.id in (select (entry ->> 'id')::uuid from jsonb_array_elements(batch) as entry)
  order by credential.id
  for update;

  with swapped as (
    update public.tenant_credentials as credential
    set encrypted_credentials = decode(entry ->> 'encrypted_credentials', 'base64'),
        encryption_key_id = entry ->> 'encryption_key_id'
    from jsonb_array_elements(batch) as entry
    where credential.id = (entry ->> 'id')::uuid
      and credential.encrypted_credentials = decode(entry ->> 'expected', 'base64')
    returning credential.id, credential.tenant_id, credential.service, credential.credential_type
  ), recorded as (
    insert into public.credential_events
      (tenant_id, action, credential_id, service, credential_type, actor_kind, request_id)
    select
      swapped.tenant_id, 'rotate', swapped.id, swapped.service, swapped.credential_type, 'operator',
      reseal_credentials.request_id
    from swapped
  )
  select count(*) into resealed from swapped;
  return jsonb_build_object('resealed', resealed);
end
$$;

-- In place of the CHECK: asked when what it asks about is written, and not when last_used_at moves. After the row, since a
-- trigger before it would lock the row of each update, whatever its columns.
create function private.keep_credential_form() returns trigger
language plpgsql
set search_path = ''
as $$
begin
  if not (
    char_length(new.service) <= 64 and new.service ~ '^[A-Za-z0-9][A-Za-z0-9._:/-]*$'
    and char_length(new.credential_type) <= 64 and new.credential_type ~ '^[A-Za-z0-9][A-Za-z0-9._:/-]*$'
    -- 28 bytes of IV and tag around 6 bytes ({"":0}) to 64 KiB of JSON.
    and octet_length(new.encrypted_credentials) between 34 and 65564
  ) then
    raise exception 'a row of tenant_credentials has not the form of one'
      using errcode = '23514', table = 'tenant_credentials', constraint = 'credential_form';
  end if;
  return null;
end
$$;
comment on function private.keep_credential_form() is
  'Refuses a row whose service, type or number of sealed bytes is none (SQLSTATE 23514).';
revoke all on function private.keep_credential_form() from public, anon, authenticated, service_role;
-- The CHECK goes first: a trigger takes a weaker lock, and raising that could wait for a call that waits for it.
alter table public.tenant_credentials drop constraint credential_form;
create trigger credential_form after insert or update of service, credential_type, encrypted_credentials
  on public.tenant_credentials
  for each row execute function private.keep_credential_form();
drop function private.is_credential(text, text, integer);

-- In place of the CHECK, and more than it asked: what runs for a tenant records no act of an operator. A policy is
-- planned with the statement, once a session. The operators' functions, which no policy binds, write what the rows have, and
-- constants; but for the request_id of reseal_credentials, which asks for its form itself.
create policy "what runs for a tenant records acts of agents and kernels" on public.credential_events
  as restrictive for insert to tenant_scope
  with check (
    action in ('store', 'replace', 'retrieve', 'delete')
    and actor_kind in ('agent', 'kernel')
    and actor_id is not null
    and (request_id is null or char_length(request_id) <= 128 and request_id ~ '^[A-Za-z0-9_.:-]+$')
  );
alter table public.credential_events drop constraint event_form;
drop function private.is_credential_event(text, text, uuid, text);

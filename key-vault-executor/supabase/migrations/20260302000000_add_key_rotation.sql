-- What an operator does to sealed bytes: read them to open or re-seal them elsewhere, and swap them for others. No key and
-- no value comes here.

create function public.list_sealed_credentials(filter jsonb) returns jsonb
language sql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
  select coalesce(
    jsonb_agg(
      jsonb_build_object(
        'id', page.id,
        'tenant_id', page.tenant_id,
        'service', page.service,
        'credential_type', page.credential_type,
        'encrypted_credentials', translate(encode(page.encrypted_credentials, 'base64'), E'\n', ''),
        'encryption_key_id', page.encryption_key_id
      )
      order by page.id
    ),
    '[]'
  )
  from (
    select
      credential.*,
      sum(octet_length(credential.encrypted_credentials))
        over (order by credential.id rows between unbounded preceding and 1 preceding) as bytes_before
    from (
      select candidate.*
      from public.tenant_credentials as candidate
      where candidate.encryption_key_id = filter ->> 'encryption_key_id'
        and candidate.id > coalesce((filter ->> 'after')::uuid, '00000000-0000-0000-0000-000000000000')
      order by candidate.id
      limit 500
    ) as credential
  ) as page
  where coalesce(page.bytes_before, 0) < 1048576
$$;
comment on function public.list_sealed_credentials(jsonb) is
  'Operators: credentials under one encryption key by id, of all tenants, with their sealed bytes (base64): '
  '{"encryption_key_id", "after"?: id}. At most 500, and no more after the first 1 MiB; an empty page is the end.';

create function public.reseal_credentials(batch jsonb, request_id text) returns jsonb
language plpgsql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
declare
  resealed bigint;
begin
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
comment on function public.reseal_credentials(jsonb, text) is
  'Operators: puts [{"id", "expected", "encrypted_credentials", "encryption_key_id"}] (bytes as base64) in the place of the '
  'expected sealed bytes, and leaves what is no longer as expected: a store meanwhile wins. Returns {"resealed"}: how many.';

create function public.list_events(filter jsonb) returns jsonb
language plpgsql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
declare
  wanted_tenant_id text := filter ->> 'tenant_id';
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
      from public.credential_events as event
      where event.occurred_at < until
        and (event.occurred_at, event.id) > (after_occurred_at, after_id)
        and (filter ->> 'action' is null or event.action = filter ->> 'action')
        and (filter ->> 'service' is null or event.service = filter ->> 'service')
      order by event.occurred_at, event.id
      limit 1000
    ) as page;
  else
    select jsonb_agg(to_jsonb(page) order by page.occurred_at, page.id) into events
    from (
      select event.*
      from public.credential_events as event
      where event.tenant_id = wanted_tenant_id
        and event.occurred_at < until
        and (event.occurred_at, event.id) > (after_occurred_at, after_id)
        and (filter ->> 'action' is null or event.action = filter ->> 'action')
        and (filter ->> 'service' is null or event.service = filter ->> 'service')
      order by event.occurred_at, event.id
      limit 1000
    ) as page;
  end if;
  return coalesce(events, '[]');
end
$$;
comment on function public.list_events(jsonb) is
  'Operators: at most 1,000 events, oldest first: {"tenant_id"?, "action"?, "service"?, "since"?, "until"?, "after"?: '
  '{"occurred_at", "id"}}, the last of the page before; until is exclusive.';

create or replace function public.purge_tenant_credentials(tenant_id text) returns jsonb
language plpgsql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
declare
  deleted_credentials bigint;
begin
  with deleted as (
    delete from public.tenant_credentials as credential
    where credential.id in (
      select doomed.id from public.tenant_credentials as doomed
      where doomed.tenant_id = purge_tenant_credentials.tenant_id
      -- As reseal_credentials locks them, so that neither waits for the other.
      order by doomed.id
      limit 1000
      for update
    )
    returning credential.id, credential.tenant_id, credential.service, credential.credential_type
  ), recorded as (
    insert into public.credential_events (tenant_id, action, credential_id, service, credential_type, actor_kind)
    select deleted.tenant_id, 'delete', deleted.id, deleted.service, deleted.credential_type, 'operator' from deleted
  )
  select count(*) into deleted_credentials from deleted;
  return jsonb_build_object(
    'credentials', deleted_credentials,
    'done', not exists (
      select from public.tenant_credentials as credential
      where credential.tenant_id = purge_tenant_credentials.tenant_id
    )
  );
end
$$;

revoke all on function public.list_sealed_credentials(jsonb) from public, anon, authenticated, service_role;
revoke all on function public.reseal_credentials(jsonb, text) from public, anon, authenticated, service_role;
revoke all on function public.list_events(jsonb) from public, anon, authenticated, service_role;
grant execute on function public.list_sealed_credentials(jsonb) to service_role;
grant execute on function public.reseal_credentials(jsonb, text) to service_role;
grant execute on function public.list_events(jsonb) to service_role;

-- The functions for operators. Only these functions cross tenants. They are security definers that postgres owns, because
-- service_role may touch no table except by functions. They receive no keys and no values.

create function public.list_tenant_credentials(filter jsonb) returns jsonb
language sql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
  select coalesce(jsonb_agg(to_jsonb(page) order by page.service, page.credential_type), '[]')
  from (
    select
      credential.id, credential.service, credential.credential_type, credential.encryption_key_id,
      to_char(credential.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"') as created_at,
      to_char(credential.updated_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"') as updated_at,
      to_char(credential.last_used_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"') as last_used_at
    from public.tenant_credentials as credential
    where credential.tenant_id = filter ->> 'tenant_id'
      and (credential.service, credential.credential_type)
        > (coalesce(filter -> 'after' ->> 'service', ''), coalesce(filter -> 'after' ->> 'credential_type', ''))
    order by credential.service, credential.credential_type
    limit 1000
  ) as page
$$;
comment on function public.list_tenant_credentials(jsonb) is
  'Operators: at most 1,000 credentials of a tenant by service and type, without their values: {"tenant_id", "after"?: '
  '{"service", "credential_type"}}. "after" is the last row of the previous page.';
revoke all on function public.list_tenant_credentials(jsonb) from public, anon, authenticated, service_role;
grant execute on function public.list_tenant_credentials(jsonb) to service_role;

create function public.count_tenant_credentials(tenant_id text) returns jsonb
language sql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
  select jsonb_build_object('credentials', count(*))
  from public.tenant_credentials as credential where credential.tenant_id = count_tenant_credentials.tenant_id
$$;
comment on function public.count_tenant_credentials(text) is
  'Operators: what purge_tenant_credentials would remove: {"credentials"}.';
revoke all on function public.count_tenant_credentials(text) from public, anon, authenticated, service_role;
grant execute on function public.count_tenant_credentials(text) to service_role;

create function public.set_credential_quota(tenant_id text, max_credentials integer default null) returns jsonb
language plpgsql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
declare
  tenant public.vault_tenants;
begin
  if set_credential_quota.max_credentials is null then
    insert into public.vault_tenants as known (tenant_id) values (set_credential_quota.tenant_id)
    on conflict on constraint vault_tenants_pkey do update set max_credentials = default
    returning known.* into tenant;
  else
    insert into public.vault_tenants as known (tenant_id, max_credentials)
    values (set_credential_quota.tenant_id, set_credential_quota.max_credentials)
    on conflict on constraint vault_tenants_pkey do update set max_credentials = excluded.max_credentials
    returning known.* into tenant;
  end if;
  return jsonb_build_object('credentials', tenant.credentials, 'max_credentials', tenant.max_credentials);
end
$$;
comment on function public.set_credential_quota(text, integer) is
  'Operators: sets how many credentials the tenant may have; null sets the default. Credentials above the quota stay. '
  'Returns {"credentials", "max_credentials"}: how many the tenant has and may have.';
revoke all on function public.set_credential_quota(text, integer) from public, anon, authenticated, service_role;
grant execute on function public.set_credential_quota(text, integer) to service_role;

create function public.close_tenant(tenant_id text) returns jsonb
language plpgsql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
begin
  -- Waits for each store that has created a row and not yet committed, so that the next purge sees every row.
  insert into public.vault_tenants as known (tenant_id, closed_at) values (close_tenant.tenant_id, now())
  on conflict on constraint vault_tenants_pkey do update set closed_at = coalesce(known.closed_at, excluded.closed_at);
  return jsonb_build_object('closed', true);
end
$$;
comment on function public.close_tenant(text) is
  'Operators: refuses new credentials for the tenant from now on. Call it before purge_tenant_credentials. It is idempotent.';
revoke all on function public.close_tenant(text) from public, anon, authenticated, service_role;
grant execute on function public.close_tenant(text) to service_role;

create function public.purge_tenant_credentials(tenant_id text) returns jsonb
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
      -- reseal_credentials locks in the same order, so that the two cannot deadlock.
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
comment on function public.purge_tenant_credentials(text) is
  'Operators: permanently deletes at most 1,000 of the tenant''s credentials. Call it until it answers "done".';
revoke all on function public.purge_tenant_credentials(text) from public, anon, authenticated, service_role;
grant execute on function public.purge_tenant_credentials(text) to service_role;

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
        'encrypted_credentials', replace(encode(page.encrypted_credentials, 'base64'), E'\n', ''),
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
  '{"encryption_key_id", "after"?: id}. A page ends after 500 rows or 1 MiB. An empty page is the end.';
revoke all on function public.list_sealed_credentials(jsonb) from public, anon, authenticated, service_role;
grant execute on function public.list_sealed_credentials(jsonb) to service_role;

create function public.reseal_credentials(batch jsonb, request_id text) returns jsonb
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
  -- Locks in order of id, so that two rotations cannot deadlock.
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
  'Operators: replaces the expected sealed bytes by those of [{"id", "expected", "encrypted_credentials", '
  '"encryption_key_id"}] (base64). Skips a row with other bytes, so that a concurrent store wins. Returns {"resealed"}: the '
  'number of rows replaced.';
revoke all on function public.reseal_credentials(jsonb, text) from public, anon, authenticated, service_role;
grant execute on function public.reseal_credentials(jsonb, text) to service_role;

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
  -- One lower bound: given two, the index starts at the first and walks to the other.
  if after_occurred_at < since then
    after_occurred_at := since;
    after_id := '00000000-0000-0000-0000-000000000000';
  end if;
  -- Two statements, because each order has a separate index.
  if wanted_tenant_id is null then
    select jsonb_agg(to_jsonb(page) order by page.occurred_at collate "C", page.id) into events
    from (
      select
        event.id, event.tenant_id, to_char(event.occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"') as occurred_at,
        event.action, event.credential_id, event.service, event.credential_type,
        event.actor_kind, event.actor_id, event.request_id, event.executor_id, event.server_id
      from public.credential_events as event
      where event.occurred_at < until
        and (event.occurred_at, event.id) > (after_occurred_at, after_id)
        and (filter ->> 'action' is null or event.action = filter ->> 'action')
        and (filter ->> 'service' is null or event.service = filter ->> 'service')
      order by event.occurred_at, event.id
      limit 1000
    ) as page;
  else
    select jsonb_agg(to_jsonb(page) order by page.occurred_at collate "C", page.id) into events
    from (
      select
        event.id, event.tenant_id, to_char(event.occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"') as occurred_at,
        event.action, event.credential_id, event.service, event.credential_type,
        event.actor_kind, event.actor_id, event.request_id, event.executor_id, event.server_id
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
  '{"occurred_at", "id"}}. "after" is the last event of the previous page; "until" is exclusive.';
revoke all on function public.list_events(jsonb) from public, anon, authenticated, service_role;
grant execute on function public.list_events(jsonb) to service_role;

create function public.set_caller_password(verifier text) returns jsonb
language plpgsql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
begin
  if verifier is null or verifier !~ '^SCRAM-SHA-256\$\d+:[A-Za-z0-9+/=]+\$[A-Za-z0-9+/=]{44}:[A-Za-z0-9+/=]{44}$' then
    raise exception 'the verifier must have the form SCRAM-SHA-256$iterations:salt$stored key:server key'
      using errcode = '22023';
  end if;
  -- A utility statement takes no parameters; %L quotes.
  execute format('alter role function_caller password %L', verifier);
  return jsonb_build_object('role', 'function_caller');
end
$$;
comment on function public.set_caller_password(text) is
  'Operators: sets the password with which the edge functions connect as function_caller. It takes a SCRAM-SHA-256 verifier: '
  'the password itself never comes here.';
revoke all on function public.set_caller_password(text) from public, anon, authenticated, service_role;
grant execute on function public.set_caller_password(text) to service_role;

create function public.read_status() returns jsonb
language plpgsql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
declare
  applied jsonb;
begin
  if to_regclass('supabase_migrations.schema_migrations') is not null then
    select coalesce(jsonb_agg(migration.version order by migration.version), '[]') into applied
    from supabase_migrations.schema_migrations as migration;
  end if;
  return jsonb_build_object(
    'migrations', applied,
    'counts', (select jsonb_build_object('credentials', count(*)) from public.tenant_credentials),
    'encryption_keys', (
      select coalesce(
        jsonb_agg(jsonb_build_object('id', key.id, 'credentials', key.credentials) order by key.credentials desc, key.id), '[]'
      )
      from (
        select credential.encryption_key_id as id, count(*) as credentials
        from public.tenant_credentials as credential
        group by credential.encryption_key_id
      ) as key
    ),
    'tenant_scope', (
      select jsonb_build_object('superuser', role.rolsuper, 'bypassrls', role.rolbypassrls, 'login', role.rolcanlogin)
      from pg_catalog.pg_roles as role where role.rolname = 'tenant_scope'
    ),
    -- The functions of the endpoints have a parameter named caller.
    'unscoped_functions', (
      select coalesce(jsonb_agg(function.proname order by function.proname), '[]')
      from pg_catalog.pg_proc as function
      join pg_catalog.pg_roles as role on role.oid = function.proowner
      where function.pronamespace = 'public'::regnamespace
        and function.proargnames[1] = 'caller'
        and not (role.rolname = 'tenant_scope' and function.prosecdef)
    ),
    'open_tables', (
      select coalesce(jsonb_agg(relation.relname order by relation.relname), '[]')
      from pg_catalog.pg_class as relation
      where relation.relnamespace = 'public'::regnamespace and relation.relkind in ('r', 'p') and not relation.relrowsecurity
    )
  );
end
$$;
comment on function public.read_status() is
  'Operators: the versions of the applied migrations (null if nothing records them), counts, credentials by encryption key, '
  'the role tenant_scope (null if it is missing), the tenant functions that it does not own, and the tables without '
  'row-level security.';
revoke all on function public.read_status() from public, anon, authenticated, service_role;
grant execute on function public.read_status() to service_role;

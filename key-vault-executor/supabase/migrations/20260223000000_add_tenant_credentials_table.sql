-- The credentials of each tenant. The functions seal them first, so SQL never sees a value or a key.

-- Every tenant function runs as this role. Dumps do not contain roles: scripts/deploy/roles.sql repeats this block for a
-- restore.
do $$
begin
  if not exists (select from pg_catalog.pg_roles where rolname = 'tenant_scope') then
    create role tenant_scope nologin;
  end if;
  grant tenant_scope to postgres;
  -- The edge functions may connect as this role. Nobody can until an operator sets its password.
  if not exists (select from pg_catalog.pg_roles where rolname = 'function_caller') then
    create role function_caller login noinherit;
  end if;
  alter role function_caller set statement_timeout = '4s';
end
$$;
grant usage on schema public to function_caller;

create schema private;
comment on schema private is 'Helpers of the public functions. The data API does not expose it.';
revoke all on schema private from public;
grant usage on schema private to tenant_scope;

create function private.raise_http_error(status integer, code text, detail jsonb default '{}') returns void
language plpgsql
set search_path = ''
as $$
begin
  raise exception using errcode = 'PT' || status, message = code, detail = detail::text;
end
$$;
comment on function private.raise_http_error(integer, text, jsonb) is
  'Ends the request: PostgREST answers with this status, and with the code and the detail as its body.';
revoke all on function private.raise_http_error(integer, text, jsonb) from public, anon, authenticated, service_role;
grant execute on function private.raise_http_error(integer, text, jsonb) to tenant_scope;

-- PL/pgSQL prepares each expression again in each transaction, so this function has few expressions.
create function private.enter_tenant(caller jsonb, scope text, service text) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  entered text;
begin
  -- An assignment of set_config costs less than perform, which runs a query.
  if current_user <> 'tenant_scope' then
    raise exception 'private.enter_tenant was called as %, whom row-level security may not bind', current_user;
  elsif coalesce(caller ->> 'tenant_id', '') = '' then
    perform private.raise_http_error(401, 'unauthenticated');
  elsif not coalesce(caller -> 'scopes' ? scope, false) then
    perform private.raise_http_error(403, 'insufficient_scope', jsonb_build_object('caller', caller, 'scope', scope));
  elsif caller ->> 'services' is null then
    entered := set_config('app.tenant_id', caller ->> 'tenant_id', true) || set_config('app.services', '', true);
  elsif not caller -> 'services' ? service then
    perform private.raise_http_error(
      403, 'insufficient_scope', jsonb_build_object('caller', caller, 'scope', scope, 'limited', true)
    );
  else
    entered := set_config('app.tenant_id', caller ->> 'tenant_id', true);
    entered := set_config('app.services', array(select jsonb_array_elements_text(caller -> 'services'))::text, true);
  end if;
  return caller;
end
$$;
comment on function private.enter_tenant(jsonb, text, text) is
  'Checks that the key has the scope and, unless it is null, the service. Enters the caller''s tenant until the transaction '
  'ends, and returns the caller. The caller is the answer of the hub''s authenticate_caller, with a "request_id"?. This '
  'database has no keys to verify it.';
revoke all on function private.enter_tenant(jsonb, text, text) from public, anon, authenticated, service_role;
grant execute on function private.enter_tenant(jsonb, text, text) to tenant_scope;

create table public.tenant_credentials (
  id uuid primary key default gen_random_uuid(),
  tenant_id text not null,
  service text not null,
  credential_type text not null default 'api_key',
  encrypted_credentials bytea not null,
  encryption_key_id text not null default 'default',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  last_used_at timestamptz,
  unique (tenant_id, service, credential_type)
);
comment on table public.tenant_credentials is
  'Credentials of each tenant for external services, one for each service and type.';
comment on column public.tenant_credentials.encrypted_credentials is
  'AES-256-GCM: IV (12 bytes), ciphertext, tag (16 bytes). The additional data binds tenant, service, type and key.';
comment on column public.tenant_credentials.encryption_key_id is
  'The first 16 hex characters of the SHA-256 of the key that sealed the row. The default is never written.';
-- A key rotation reads the rows of one key in the order of their ids.
create index tenant_credentials_encryption_key_id_idx on public.tenant_credentials (encryption_key_id, id);

alter table public.tenant_credentials enable row level security;
revoke all on public.tenant_credentials from public, anon, authenticated, service_role;
grant select, insert, update, delete on public.tenant_credentials to tenant_scope;

-- enter_tenant sets app.tenant_id. After such a transaction a connection has '' here, where a new connection has null.
create policy "a tenant sees its own credentials" on public.tenant_credentials
  for select to tenant_scope using (tenant_id = nullif((select current_setting('app.tenant_id', true)), ''));
create policy "a tenant adds credentials to itself" on public.tenant_credentials
  for insert to tenant_scope with check (tenant_id = nullif((select current_setting('app.tenant_id', true)), ''));
create policy "a tenant changes its own credentials" on public.tenant_credentials
  for update to tenant_scope
  using (tenant_id = nullif((select current_setting('app.tenant_id', true)), ''))
  with check (tenant_id = nullif((select current_setting('app.tenant_id', true)), ''));
create policy "a tenant deletes its own credentials" on public.tenant_credentials
  for delete to tenant_scope using (tenant_id = nullif((select current_setting('app.tenant_id', true)), ''));
-- app.services lists the services that the key is limited to. '' or null means no limit. The planner merges the two queries
-- into one, which runs once for each statement, not for each row.
create policy "a key touches the services that it is limited to" on public.tenant_credentials
  as restrictive for all to tenant_scope
  using (coalesce((
    select nullif(known.setting, '')::text[] from (select current_setting('app.services', true) as setting) as known
  ) @> array[service], true));

create function private.keep_credential_form() returns trigger
language plpgsql
set search_path = ''
as $$
begin
  -- A separate test of the length: a regular expression with a bound ({0,63}) takes ten times as long.
  if not (
    new.tenant_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
    and char_length(new.service) <= 64 and new.service ~ '^[A-Za-z0-9][A-Za-z0-9._:/-]*$'
    and char_length(new.credential_type) <= 64 and new.credential_type ~ '^[A-Za-z0-9][A-Za-z0-9._:/-]*$'
    -- 28 bytes of IV and tag around 6 bytes ({"":0}) to 64 KiB of JSON.
    and octet_length(new.encrypted_credentials) between 34 and 65564
    and new.encryption_key_id ~ '^([0-9a-f]{16}|default)$'
  ) then
    raise exception 'a credential has a malformed tenant, service, type or key id, or too few or too many sealed bytes'
      using errcode = '23514', table = 'tenant_credentials', constraint = 'credential_form';
  end if;
  return null;
end
$$;
comment on function private.keep_credential_form() is
  'Refuses a row with a malformed tenant_id (a lower-case UUID), service, type or encryption_key_id, or with too few or too '
  'many sealed bytes (SQLSTATE 23514).';
revoke all on function private.keep_credential_form() from public, anon, authenticated, service_role;
-- Not a CHECK: PostgreSQL prepares every CHECK for every statement, even if the statement only sets last_used_at. Not a
-- before trigger: it would make each update lock its row first, whatever columns it sets.
create trigger credential_form
  after insert or update of tenant_id, service, credential_type, encrypted_credentials, encryption_key_id
  on public.tenant_credentials
  for each row execute function private.keep_credential_form();

create table public.vault_tenants (
  tenant_id text primary key,
  credentials integer not null default 0,
  max_credentials integer not null default 10000,
  closed_at timestamptz,
  constraint tenant_id_form check (tenant_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'),
  constraint max_credentials_form check (max_credentials >= 0)
);
comment on table public.vault_tenants is
  'Each tenant that ever had a credential or a custom quota. Rows are never deleted: a store that began before its tenant '
  'was deleted must find the tenant closed.';
comment on column public.vault_tenants.credentials is 'How many credentials the tenant has. Triggers maintain it.';
comment on column public.vault_tenants.closed_at is 'When the tenant was deleted. Null means that it may get new credentials.';
alter table public.vault_tenants enable row level security;
revoke all on public.vault_tenants from public, anon, authenticated, service_role;

create function private.admit_credential() returns trigger
language plpgsql
-- Definer: tenant_scope has no grant on vault_tenants.
security definer
set search_path = ''
as $$
declare
  tenant public.vault_tenants;
begin
  -- This locks the tenant's row until the transaction ends, so new credentials are counted one after the other, and
  -- close_tenant waits.
  insert into public.vault_tenants as known (tenant_id, credentials) values (new.tenant_id, 1)
  on conflict (tenant_id) do update set credentials = known.credentials + 1
  returning known.* into tenant;
  if tenant.closed_at is not null then
    perform private.raise_http_error(403, 'tenant_not_allowed');
  end if;
  if tenant.credentials > tenant.max_credentials then
    perform private.raise_http_error(409, 'quota_exceeded', jsonb_build_object('quota', tenant.max_credentials));
  end if;
  return null;
end
$$;
comment on function private.admit_credential() is
  'Counts a new credential. Refuses it for a closed tenant (PT403), and above the tenant''s quota (PT409).';
revoke all on function private.admit_credential() from public, anon, authenticated, service_role;
-- An after trigger runs only for a new row, not if an upsert updates one. An update cannot bring a purged row back.
create trigger admit_credential after insert on public.tenant_credentials
  for each row execute function private.admit_credential();

create function private.release_credentials() returns trigger
language plpgsql
-- Definer, for the reason of admit_credential.
security definer
set search_path = ''
as $$
begin
  update public.vault_tenants as tenant
  set credentials = tenant.credentials - released.credentials
  from (select credential.tenant_id, count(*) as credentials from deleted as credential group by 1) as released
  where tenant.tenant_id = released.tenant_id;
  return null;
end
$$;
comment on function private.release_credentials() is 'Subtracts deleted credentials from their tenants'' counts.';
revoke all on function private.release_credentials() from public, anon, authenticated, service_role;
create trigger release_credentials after delete on public.tenant_credentials referencing old table as deleted
  for each statement execute function private.release_credentials();

-- The tenant functions, here and in the next migration, are security definers that tenant_scope owns, so row-level security
-- binds every statement in them. The new owner of a function needs create on the schema at that time.
grant create on schema public to tenant_scope;

-- json takes half the time of jsonb for a value that is only sent. Casts are made in variables: row-level security keeps an
-- expression that may fail out of an index's condition. One plan is good for all values, and planning for each call would
-- take a third of its time.
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
  -- A range, so that the index finds the service in the filter, or the services that the key is limited to. No service
  -- sorts after 65 z's.
  first_service text := coalesce(filter ->> 'service', '');
  last_service text := coalesce(filter ->> 'service', repeat('z', 65));
  after_service text := coalesce(filter -> 'after' ->> 'service', '');
  after_type text := coalesce(filter -> 'after' ->> 'credential_type', '');
  answer json;
begin
  if filter -> 'after' ->> 'tenant_id' <> actor ->> 'tenant_id' then
    perform private.raise_http_error(400, 'cursor_of_another_tenant', jsonb_build_object('caller', actor));
  end if;
  if filter ->> 'service' is null and actor ->> 'services' is not null then
    select min(service), max(service) into first_service, last_service
    from jsonb_array_elements_text(actor -> 'services') as service;
  end if;
  -- One lower bound: given two, the index starts at the first and walks to the other.
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
      to_char(credential.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"') as created_at,
      to_char(credential.updated_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"') as updated_at,
      to_char(credential.last_used_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"') as last_used_at
    from public.tenant_credentials as credential
    where (credential.service, credential.credential_type) > (after_service, after_type)
      and credential.service <= last_service
    order by credential.service, credential.credential_type
    limit page_size + 1
  ) as page;
  return answer;
end
$$;
comment on function public.list_credentials(jsonb, jsonb) is
  'A page of the caller''s credentials, without their values: {"limit", "service"?, "after"?: {"tenant_id", "service", '
  '"credential_type"}}. Raises PT400 if "after" names another tenant.';
revoke all on function public.list_credentials(jsonb, jsonb) from public, anon, authenticated, service_role;
grant execute on function public.list_credentials(jsonb, jsonb) to service_role, function_caller;
alter function public.list_credentials(jsonb, jsonb) owner to tenant_scope;

revoke create on schema public from tenant_scope;

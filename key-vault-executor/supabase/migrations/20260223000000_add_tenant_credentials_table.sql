-- The credentials of each tenant, sealed before they come here: SQL never sees a value, nor a key.

-- The role that every tenant function runs as. Dumps carry no roles: scripts/roles.sql repeats this block for a restore.
do $$
begin
  if not exists (select from pg_catalog.pg_roles where rolname = 'tenant_scope') then
    create role tenant_scope nologin;
  end if;
  grant tenant_scope to postgres;
end
$$;

create schema private;
comment on schema private is 'Helpers of the public functions. Not exposed by the data API.';
revoke all on schema private from public;
grant usage on schema private to tenant_scope;

create function private.refuse(status integer, code text, detail jsonb default '{}') returns void
language plpgsql
set search_path = ''
as $$
begin
  raise exception using errcode = 'PT' || status, message = code, detail = detail::text;
end
$$;
comment on function private.refuse(integer, text, jsonb) is
  'Ends the request: PostgREST answers with that status, and with the code and detail as its body.';
revoke all on function private.refuse(integer, text, jsonb) from public, anon, authenticated, service_role;
grant execute on function private.refuse(integer, text, jsonb) to tenant_scope;

create function private.current_tenant_id() returns text
language sql stable
set search_path = ''
as $$
  select nullif(current_setting('app.tenant_id', true), '')
$$;
comment on function private.current_tenant_id() is
  'The tenant that this transaction has entered, or null. A used connection has '''' where a new one has null.';
revoke all on function private.current_tenant_id() from public, anon, authenticated, service_role;
grant execute on function private.current_tenant_id() to tenant_scope;

create function private.enter_tenant(caller jsonb, scope text) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  actor jsonb := caller - 'scopes';
begin
  if current_user <> 'tenant_scope' then
    raise exception 'private.enter_tenant was called as %, whom row-level security may not bind', current_user;
  end if;
  if coalesce(caller ->> 'tenant_id', '') = '' then
    perform private.refuse(401, 'unauthenticated');
  end if;
  if not coalesce(caller -> 'scopes' ? scope, false) then
    perform private.refuse(403, 'insufficient_scope', jsonb_build_object('caller', actor, 'scope', scope));
  end if;
  perform set_config('app.tenant_id', actor ->> 'tenant_id', true), set_config('app.caller', actor::text, true);
  return actor;
end
$$;
comment on function private.enter_tenant(jsonb, text) is
  'Asks for the scope and enters the caller''s tenant until the transaction ends. The caller is what the hub''s '
  'authenticate_caller answered; this database holds no keys to check it by. Returns it without the scopes.';
revoke all on function private.enter_tenant(jsonb, text) from public, anon, authenticated, service_role;
grant execute on function private.enter_tenant(jsonb, text) to tenant_scope;

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
  unique (tenant_id, service, credential_type),
  constraint service_form check (service ~ '^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$'),
  constraint credential_type_form check (credential_type ~ '^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$'),
  -- 28 bytes of IV and tag around 6 bytes ({"":0}) to 64 KiB of JSON.
  constraint encrypted_credentials_size check (octet_length(encrypted_credentials) between 34 and 65564)
);
comment on table public.tenant_credentials is 'Credentials of each tenant for outside services, one by service and type.';
comment on column public.tenant_credentials.encrypted_credentials is
  'AES-256-GCM: IV (12 bytes), ciphertext, tag (16 bytes). The additional data binds tenant, service, type and key.';
comment on column public.tenant_credentials.encryption_key_id is
  'The first 16 hex characters of the SHA-256 of the key that sealed the row. The default is never written.';

alter table public.tenant_credentials enable row level security;
revoke all on public.tenant_credentials from public, anon, authenticated, service_role;
grant select, insert, update, delete on public.tenant_credentials to tenant_scope;

create policy "a tenant sees its own credentials" on public.tenant_credentials
  for select to tenant_scope using (tenant_id = (select private.current_tenant_id()));
create policy "a tenant adds credentials to itself" on public.tenant_credentials
  for insert to tenant_scope with check (tenant_id = (select private.current_tenant_id()));
create policy "a tenant changes its own credentials" on public.tenant_credentials
  for update to tenant_scope
  using (tenant_id = (select private.current_tenant_id()))
  with check (tenant_id = (select private.current_tenant_id()));
create policy "a tenant deletes its own credentials" on public.tenant_credentials
  for delete to tenant_scope using (tenant_id = (select private.current_tenant_id()));

-- The functions below run as tenant_scope (see the end of this file), so every statement in them is under row-level security.

create function public.store_credential(caller jsonb, credential jsonb) returns jsonb
language plpgsql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
declare
  actor jsonb := private.enter_tenant(caller, 'credentials:write');
  stored jsonb;
begin
  insert into public.tenant_credentials as existing
    (tenant_id, service, credential_type, encrypted_credentials, encryption_key_id)
  values (
    private.current_tenant_id(),
    credential ->> 'service',
    credential ->> 'credential_type',
    decode(credential ->> 'encrypted_credentials', 'base64'),
    credential ->> 'encryption_key_id'
  )
  on conflict (tenant_id, service, credential_type) do update
  set encrypted_credentials = excluded.encrypted_credentials,
      encryption_key_id = excluded.encryption_key_id,
      updated_at = clock_timestamp()
  returning jsonb_build_object(
    'credential_id', existing.id,
    'service', existing.service,
    'credential_type', existing.credential_type,
    'created_at', existing.created_at,
    -- The update branch locks the row first, which leaves this transaction in xmax; a new row has none.
    'created', existing.xmax = 0
  ) into stored;
  return jsonb_build_object('caller', actor, 'data', stored);
end
$$;
comment on function public.store_credential(jsonb, jsonb) is
  'Stores sealed bytes (base64) for a service and type, or replaces what is there: id and created_at stay.';

create function public.list_credentials(caller jsonb, filter jsonb) returns jsonb
language plpgsql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
declare
  actor jsonb := private.enter_tenant(caller, 'credentials:read');
  page_size integer := (filter ->> 'limit')::integer;
  wanted_service text := filter ->> 'service';
  after jsonb := filter -> 'after';
  credentials jsonb;
begin
  if after ->> 'tenant_id' <> actor ->> 'tenant_id' then
    perform private.refuse(400, 'cursor_of_another_tenant', jsonb_build_object('caller', actor));
  end if;
  select coalesce(jsonb_agg(to_jsonb(page) order by page.service, page.credential_type), '[]') into credentials
  from (
    select
      credential.id, credential.service, credential.credential_type,
      credential.created_at, credential.updated_at, credential.last_used_at
    from public.tenant_credentials as credential
    where (wanted_service is null or credential.service = wanted_service)
      and (credential.service, credential.credential_type)
        > (coalesce(after ->> 'service', ''), coalesce(after ->> 'credential_type', ''))
    order by credential.service, credential.credential_type
    limit page_size + 1
  ) as page;
  return jsonb_build_object(
    'caller', actor,
    'data', jsonb_build_object(
      'credentials', case when jsonb_array_length(credentials) > page_size then credentials - page_size else credentials end,
      'more', jsonb_array_length(credentials) > page_size
    )
  );
end
$$;
comment on function public.list_credentials(jsonb, jsonb) is
  'A page of the caller''s credentials, without their values: {"limit", "service"?, "after"?: {"tenant_id", "service", '
  '"credential_type"}}. Raises PT400 when "after" is another tenant''s.';

create function private.select_credential(selector jsonb) returns uuid
language sql stable
set search_path = ''
as $$
  select coalesce(
    (selector ->> 'credential_id')::uuid,
    (
      select credential.id from public.tenant_credentials as credential
      where credential.service = selector ->> 'service' and credential.credential_type = selector ->> 'credential_type'
    )
  )
$$;
comment on function private.select_credential(jsonb) is
  'The id that {"credential_id"} or {"service", "credential_type"} means to the entered tenant. The id itself is not checked.';
revoke all on function private.select_credential(jsonb) from public, anon, authenticated, service_role;
grant execute on function private.select_credential(jsonb) to tenant_scope;

create function public.retrieve_credential(caller jsonb, selector jsonb) returns jsonb
language plpgsql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
declare
  actor jsonb := private.enter_tenant(caller, 'credentials:reveal');
  retrieved jsonb;
begin
  update public.tenant_credentials as credential
  set last_used_at = clock_timestamp()
  where credential.id = private.select_credential(selector)
  returning jsonb_build_object(
    'credential_id', credential.id,
    'service', credential.service,
    'credential_type', credential.credential_type,
    'encrypted_credentials', translate(encode(credential.encrypted_credentials, 'base64'), E'\n', ''),
    'encryption_key_id', credential.encryption_key_id
  ) into retrieved;
  if retrieved is null then
    perform private.refuse(404, 'not_found', jsonb_build_object('caller', actor));
  end if;
  return jsonb_build_object('caller', actor, 'data', retrieved);
end
$$;
comment on function public.retrieve_credential(jsonb, jsonb) is
  'The sealed bytes (base64) by {"credential_id"} or {"service", "credential_type"}, and moves last_used_at.';

create function public.delete_credential(caller jsonb, selector jsonb) returns jsonb
language plpgsql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
declare
  actor jsonb := private.enter_tenant(caller, 'credentials:write');
  deleted_id uuid;
begin
  delete from public.tenant_credentials as credential
  where credential.id = private.select_credential(selector)
  returning credential.id into deleted_id;
  if deleted_id is null then
    perform private.refuse(404, 'not_found', jsonb_build_object('caller', actor));
  end if;
  return jsonb_build_object('caller', actor, 'data', jsonb_build_object('credential_id', deleted_id, 'deleted', true));
end
$$;
comment on function public.delete_credential(jsonb, jsonb) is
  'Deletes a credential for good, by {"credential_id"} or {"service", "credential_type"}. Raises PT404.';

revoke all on function public.store_credential(jsonb, jsonb) from public, anon, authenticated, service_role;
revoke all on function public.list_credentials(jsonb, jsonb) from public, anon, authenticated, service_role;
revoke all on function public.retrieve_credential(jsonb, jsonb) from public, anon, authenticated, service_role;
revoke all on function public.delete_credential(jsonb, jsonb) from public, anon, authenticated, service_role;
grant execute on function public.store_credential(jsonb, jsonb) to service_role;
grant execute on function public.list_credentials(jsonb, jsonb) to service_role;
grant execute on function public.retrieve_credential(jsonb, jsonb) to service_role;
grant execute on function public.delete_credential(jsonb, jsonb) to service_role;

-- A new owner needs create on the schema for the moment of the change.
grant create on schema public to tenant_scope;
alter function public.store_credential(jsonb, jsonb) owner to tenant_scope;
alter function public.list_credentials(jsonb, jsonb) owner to tenant_scope;
alter function public.retrieve_credential(jsonb, jsonb) owner to tenant_scope;
alter function public.delete_credential(jsonb, jsonb) owner to tenant_scope;
revoke create on schema public from tenant_scope;

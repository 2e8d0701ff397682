-- Tenancy of the hub: organizations own tenants; agents hold a key of one tenant, kernels a key of one organization.

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

create table public.organizations (
  id uuid primary key default gen_random_uuid(),
  name text not null unique check (char_length(name) between 1 and 200 and name !~ '[\u0001-\u001f\u007f-\u009f]'),
  created_at timestamptz not null default now()
);
comment on table public.organizations is 'Owners of tenants and of kernels.';
alter table public.organizations enable row level security;
revoke all on public.organizations from public, anon, authenticated, service_role;

create table public.tenants (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references public.organizations (id),
  name text not null check (char_length(name) between 1 and 200 and name !~ '[\u0001-\u001f\u007f-\u009f]'),
  created_at timestamptz not null default now(),
  unique (organization_id, name)
);
comment on table public.tenants is 'What servers and credentials belong to, and what isolates them.';
alter table public.tenants enable row level security;
revoke all on public.tenants from public, anon, authenticated, service_role;

create function private.all_scopes() returns text[]
language sql immutable
set search_path = ''
as $$
  select array['servers:read', 'servers:write', 'credentials:read', 'credentials:write', 'credentials:reveal']
$$;
comment on function private.all_scopes() is 'Every scope a key can carry; a new key carries all of them.';
revoke all on function private.all_scopes() from public, anon, authenticated, service_role;

create table public.api_keys (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null references public.tenants (id) on delete cascade,
  name text not null check (char_length(name) between 1 and 200 and name !~ '[\u0001-\u001f\u007f-\u009f]'),
  display_prefix text not null check (display_prefix ~ '^mcp_[0-9A-Za-z]{4}$'),
  key_sha256 bytea not null unique check (octet_length(key_sha256) = 32),
  scopes text[] not null default private.all_scopes() check (scopes <@ private.all_scopes()),
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz
);
comment on table public.api_keys is 'Keys of agents: one key, one tenant. Only a digest is kept.';
comment on column public.api_keys.key_sha256 is
  'SHA-256 of the whole key. The key holds at least 256 random bits, so a slow hash would add nothing.';
comment on column public.api_keys.scopes is 'An empty list means none.';
comment on column public.api_keys.last_used_at is
  'Written at most once a minute, and by calls that succeed: one that is refused undoes what it wrote.';
create index api_keys_tenant_id_idx on public.api_keys (tenant_id);
alter table public.api_keys enable row level security;
revoke all on public.api_keys from public, anon, authenticated, service_role;

create table public.kernels (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references public.organizations (id) on delete cascade,
  name text not null check (char_length(name) between 1 and 200 and name !~ '[\u0001-\u001f\u007f-\u009f]'),
  display_prefix text not null check (display_prefix ~ '^krn_[0-9A-Za-z]{4}$'),
  key_hmac bytea not null unique check (octet_length(key_hmac) = 32),
  scopes text[] not null default private.all_scopes() check (scopes <@ private.all_scopes()),
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz
);
comment on table public.kernels is 'Keys of kernels: one key, the tenants of one organization. Only a digest is kept.';
comment on column public.kernels.key_hmac is 'HMAC-SHA-256 of the whole key under KERNEL_HMAC_SECRET.';
comment on column public.kernels.scopes is 'An empty list means none.';
comment on column public.kernels.last_used_at is
  'Written at most once a minute, and by calls that succeed: one that is refused undoes what it wrote.';
create index kernels_organization_id_idx on public.kernels (organization_id);
alter table public.kernels enable row level security;
revoke all on public.kernels from public, anon, authenticated, service_role;

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

create function private.current_tenant_id() returns uuid
language sql stable
set search_path = ''
as $$
  select nullif(current_setting('app.tenant_id', true), '')::uuid
$$;
comment on function private.current_tenant_id() is
  'The tenant that this transaction has entered, or null. A used connection has '''' where a new one has null.';
revoke all on function private.current_tenant_id() from public, anon, authenticated, service_role;
grant execute on function private.current_tenant_id() to tenant_scope;

create function private.authenticate_agent(digest bytea, claimed_tenant_id uuid) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  actor jsonb;
  stale_key_id uuid;
begin
  select
    jsonb_build_object(
      'tenant_id', tenant.id, 'organization_id', tenant.organization_id,
      'kind', 'agent', 'id', key.id, 'scopes', to_jsonb(key.scopes)
    ),
    case when key.last_used_at is null or key.last_used_at < now() - interval '1 minute' then key.id end
  into actor, stale_key_id
  from public.api_keys as key
  join public.tenants as tenant on tenant.id = key.tenant_id
  where key.key_sha256 = digest
    and key.revoked_at is null
    and (key.expires_at is null or key.expires_at > now());

  if actor is null then
    perform private.refuse(401, 'unauthenticated');
  end if;
  if claimed_tenant_id <> (actor ->> 'tenant_id')::uuid then
    perform private.refuse(403, 'tenant_not_allowed', jsonb_build_object('caller', actor - 'scopes'));
  end if;
  if stale_key_id is not null then
    update public.api_keys as key set last_used_at = now()
    where key.id = (select used.id from public.api_keys as used where used.id = stale_key_id for update skip locked);
  end if;
  return actor;
end
$$;
comment on function private.authenticate_agent(bytea, uuid) is
  'The agent behind the SHA-256 of a key, or PT401; PT403 when it claims another tenant. Notes the use at most once a minute.';
revoke all on function private.authenticate_agent(bytea, uuid) from public, anon, authenticated, service_role;

create function private.authenticate_kernel(digest bytea, wanted_tenant_id uuid) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  actor jsonb;
  stale_kernel_id uuid;
begin
  select
    jsonb_build_object(
      'tenant_id', tenant.id, 'organization_id', kernel.organization_id,
      'kind', 'kernel', 'id', kernel.id, 'scopes', to_jsonb(kernel.scopes)
    ),
    case when kernel.last_used_at is null or kernel.last_used_at < now() - interval '1 minute' then kernel.id end
  into actor, stale_kernel_id
  from public.kernels as kernel
  left join public.tenants as tenant
    on tenant.id = wanted_tenant_id and tenant.organization_id = kernel.organization_id
  where kernel.key_hmac = digest
    and kernel.revoked_at is null
    and (kernel.expires_at is null or kernel.expires_at > now());

  if actor is null then
    perform private.refuse(401, 'unauthenticated');
  end if;
  if actor ->> 'tenant_id' is null then
    perform private.refuse(403, 'tenant_not_allowed', jsonb_build_object('caller', actor - 'scopes'));
  end if;
  if stale_kernel_id is not null then
    update public.kernels as kernel set last_used_at = now()
    where kernel.id = (select used.id from public.kernels as used where used.id = stale_kernel_id for update skip locked);
  end if;
  return actor;
end
$$;
comment on function private.authenticate_kernel(bytea, uuid) is
  'The kernel behind the HMAC of a key, or PT401; PT403 when the tenant is unknown or of another organization, alike.';
revoke all on function private.authenticate_kernel(bytea, uuid) from public, anon, authenticated, service_role;

create function private.authenticate(caller jsonb) returns jsonb
language plpgsql
-- Definer: it reads the key tables, which tenant_scope must not.
security definer
set search_path = ''
as $$
begin
  if caller ->> 'api_key_sha256' is not null then
    return private.authenticate_agent(decode(caller ->> 'api_key_sha256', 'hex'), (caller ->> 'tenant_id')::uuid);
  end if;
  return private.authenticate_kernel(decode(caller ->> 'kernel_key_hmac', 'hex'), (caller ->> 'tenant_id')::uuid);
end
$$;
comment on function private.authenticate(jsonb) is
  'Who calls: {"api_key_sha256": hex, "tenant_id"?: uuid} or {"kernel_key_hmac": hex, "tenant_id": uuid} → '
  '{"tenant_id", "organization_id", "kind", "id", "scopes"}. Raises PT401, PT403.';
revoke all on function private.authenticate(jsonb) from public, anon, authenticated, service_role;
grant execute on function private.authenticate(jsonb) to tenant_scope;

create function private.enter_tenant(caller jsonb, scope text) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  actor jsonb;
begin
  if current_user <> 'tenant_scope' then
    raise exception 'private.enter_tenant was called as %, whom row-level security may not bind', current_user;
  end if;
  actor := private.authenticate(caller);
  if not actor -> 'scopes' ? scope then
    perform private.refuse(403, 'insufficient_scope', jsonb_build_object('caller', actor - 'scopes', 'scope', scope));
  end if;
  actor := actor - 'scopes';
  perform set_config('app.tenant_id', actor ->> 'tenant_id', true), set_config('app.caller', actor::text, true);
  return actor;
end
$$;
comment on function private.enter_tenant(jsonb, text) is
  'Authenticates the caller, asks for the scope, and enters its tenant until the transaction ends. Returns the caller.';
revoke all on function private.enter_tenant(jsonb, text) from public, anon, authenticated, service_role;
grant execute on function private.enter_tenant(jsonb, text) to tenant_scope;

create function public.authenticate_caller(caller jsonb) returns jsonb
language sql
-- Definer: service_role must not read the key tables either.
security definer
set search_path = ''
set statement_timeout = '4s'
as $$
  select private.authenticate(caller)
$$;
comment on function public.authenticate_caller(jsonb) is
  'For the vault, which holds no keys: who calls, as private.authenticate tells it.';
revoke all on function public.authenticate_caller(jsonb) from public, anon, authenticated, service_role;
grant execute on function public.authenticate_caller(jsonb) to service_role;

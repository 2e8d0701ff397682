-- Tenancy of the hub. An organization owns tenants. An agent holds a key of one tenant, a kernel a key of one organization.

-- Every function that an endpoint calls runs as this role. Dumps do not contain roles: scripts/deploy/roles.sql repeats
-- this block for a restore.
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

-- Invisible characters could make two names look the same, or reverse the text around them. A joiner (U+200C, U+200D) is
-- allowed inside a word, where emoji and Indic scripts need it: between two characters that are neither space nor joiner.
create function private.is_plain_text(value text) returns boolean
language plpgsql immutable
set search_path = ''
as $$
begin
  return value !~ '[\u0001-\u001f\u007f-\u009f\u2028\u2029]'
    and value !~ (
      '[\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b\u200e\u200f\u202a-\u202e'
      '\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f'
      '\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f]'
    )
    and value !~ (
      '(^|[\u0020\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\u200c\u200d])[\u200c\u200d]'
      '|[\u200c\u200d]($|[\u0020\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000])'
    );
end
$$;
comment on function private.is_plain_text(text) is
  'Without control characters, line separators and format characters (Unicode category Cf).';
revoke all on function private.is_plain_text(text) from public, anon, authenticated, service_role;
grant execute on function private.is_plain_text(text) to tenant_scope;

create table public.organizations (
  id uuid primary key default gen_random_uuid(),
  name text not null unique check (char_length(name) between 1 and 200 and private.is_plain_text(name)),
  created_at timestamptz not null default now()
);
comment on table public.organizations is 'Owners of tenants and of kernels.';
alter table public.organizations enable row level security;
revoke all on public.organizations from public, anon, authenticated, service_role;

create table public.tenants (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references public.organizations (id),
  name text not null check (char_length(name) between 1 and 200 and private.is_plain_text(name)),
  created_at timestamptz not null default now(),
  max_servers integer not null default 1000 check (max_servers >= 0),
  unique (organization_id, name)
);
comment on table public.tenants is 'Each server and each credential belongs to one tenant. No tenant sees another''s.';
comment on column public.tenants.max_servers is 'How many servers the tenant may have. Operators set it.';
alter table public.tenants enable row level security;
revoke all on public.tenants from public, anon, authenticated, service_role;

create function private.all_scopes() returns text[]
language sql immutable
set search_path = ''
as $$
  select array[
    'servers:read', 'servers:write', 'credentials:read', 'credentials:write', 'credentials:reveal', 'credentials:use',
    'tools:call'
  ]
$$;
comment on function private.all_scopes() is 'Every scope that a key can carry. A new key carries all of them.';
revoke all on function private.all_scopes() from public, anon, authenticated, service_role;

create function private.is_scope_list(scopes text[]) returns boolean
language plpgsql immutable
set search_path = ''
as $$
begin
  return coalesce(array_ndims(scopes), 1) = 1 and scopes <@ private.all_scopes();
end
$$;
comment on function private.is_scope_list(text[]) is 'A list of one dimension, of known scopes.';
revoke all on function private.is_scope_list(text[]) from public, anon, authenticated, service_role;

create function private.is_service_list(services text[]) returns boolean
language sql immutable
set search_path = ''
as $$
  -- PostgreSQL gives an empty array no dimension.
  select coalesce(array_ndims(services), 1) = 1
    and cardinality(services) <= 100
    and coalesce(bool_and(coalesce(char_length(service) <= 64 and service ~ '^[A-Za-z0-9][A-Za-z0-9._:/-]*$', false)), true)
  from unnest(services) as service
$$;
comment on function private.is_service_list(text[]) is 'At most 100 names of services, in the form that the vault asks for.';
revoke all on function private.is_service_list(text[]) from public, anon, authenticated, service_role;

create table public.api_keys (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null references public.tenants (id) on delete cascade,
  name text not null check (char_length(name) between 1 and 200 and private.is_plain_text(name)),
  display_prefix text not null check (display_prefix ~ '^mcp_[0-9A-Za-z]{4}$'),
  key_sha256 bytea not null unique check (octet_length(key_sha256) = 32),
  scopes text[] not null default private.all_scopes() constraint scopes_form check (private.is_scope_list(scopes)),
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz,
  services text[] constraint services_form check (private.is_service_list(services))
);
comment on table public.api_keys is 'Keys of agents, each of one tenant. Only a digest is kept.';
comment on column public.api_keys.key_sha256 is
  'SHA-256 of the whole key. The key holds at least 256 random bits, so a slow hash would add nothing.';
comment on column public.api_keys.scopes is 'An empty list means none.';
comment on column public.api_keys.last_used_at is
  'Written at most once a minute, by calls that succeed: the transaction of a refused call is rolled back.';
comment on column public.api_keys.services is
  'The services whose credentials the key may touch. Null means all, an empty list none.';
create index api_keys_tenant_id_idx on public.api_keys (tenant_id);
alter table public.api_keys enable row level security;
revoke all on public.api_keys from public, anon, authenticated, service_role;

create table public.kernels (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references public.organizations (id) on delete cascade,
  name text not null check (char_length(name) between 1 and 200 and private.is_plain_text(name)),
  display_prefix text not null check (display_prefix ~ '^krn_[0-9A-Za-z]{4}$'),
  key_hmac bytea not null unique check (octet_length(key_hmac) = 32),
  scopes text[] not null default private.all_scopes() constraint scopes_form check (private.is_scope_list(scopes)),
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz,
  services text[] constraint services_form check (private.is_service_list(services))
);
comment on table public.kernels is 'Keys of kernels, each for the tenants of one organization. Only a digest is kept.';
comment on column public.kernels.key_hmac is 'HMAC-SHA-256 of the whole key under KERNEL_HMAC_SECRET.';
comment on column public.kernels.scopes is 'An empty list means none.';
comment on column public.kernels.last_used_at is
  'Written at most once a minute, by calls that succeed: the transaction of a refused call is rolled back.';
comment on column public.kernels.services is
  'The services whose credentials the key may touch. Null means all, an empty list none.';
create index kernels_organization_id_idx on public.kernels (organization_id);
alter table public.kernels enable row level security;
revoke all on public.kernels from public, anon, authenticated, service_role;

create function private.raise_http_error(status integer, code text, detail jsonb default '{}') returns void
language plpgsql
set search_path = ''
as $$
begin
  raise exception using errcode = 'PT' || status, message = code, detail = detail::text;
end
$$;
comment on function private.raise_http_error(integer, text, jsonb) is
  'Ends the request: PostgREST answers with that status, and with the code and detail as its body.';
revoke all on function private.raise_http_error(integer, text, jsonb) from public, anon, authenticated, service_role;
grant execute on function private.raise_http_error(integer, text, jsonb) to tenant_scope;

create function private.current_tenant_id() returns uuid
language plpgsql stable
set search_path = ''
as $$
begin
  -- After its first transaction a connection has '' here, where a new connection has null.
  return nullif(current_setting('app.tenant_id', true), '')::uuid;
end
$$;
comment on function private.current_tenant_id() is 'The tenant that this transaction has entered, or null.';
revoke all on function private.current_tenant_id() from public, anon, authenticated, service_role;
grant execute on function private.current_tenant_id() to tenant_scope;

create function private.touch_last_used(actor jsonb) returns void
language plpgsql
set search_path = ''
as $$
begin
  update public.api_keys as key set last_used_at = now()
  where actor ->> 'kind' = 'agent'
    and key.id = (
      select used.id from public.api_keys as used where used.id = (actor ->> 'id')::uuid for update skip locked
    );
  update public.kernels as kernel set last_used_at = now()
  where actor ->> 'kind' = 'kernel'
    and kernel.id = (
      select used.id from public.kernels as used where used.id = (actor ->> 'id')::uuid for update skip locked
    );
end
$$;
comment on function private.touch_last_used(jsonb) is
  'Sets last_used_at of the caller''s key to now, unless another call is doing so.';
revoke all on function private.touch_last_used(jsonb) from public, anon, authenticated, service_role;

create function private.authenticate(caller jsonb) returns jsonb
language plpgsql
-- Definer: it reads the tables of keys, which tenant_scope must not read.
security definer
set search_path = ''
as $$
declare
  named_tenant_id uuid := caller ->> 'tenant_id';
  digest bytea;
  actor jsonb;
  actor_tenant_id uuid;
  is_stale boolean;
begin
  if caller ->> 'api_key_sha256' is not null then
    digest := decode(caller ->> 'api_key_sha256', 'hex');
    select
      jsonb_build_object(
        'tenant_id', tenant.id, 'organization_id', tenant.organization_id, 'kind', 'agent', 'id', key.id,
        'scopes', key.scopes, 'services', key.services, 'request_id', caller ->> 'request_id'
      ),
      tenant.id,
      key.last_used_at is null or key.last_used_at < now() - interval '1 minute'
    into actor, actor_tenant_id, is_stale
    from public.api_keys as key
    join public.tenants as tenant on tenant.id = key.tenant_id
    where key.key_sha256 = digest
      and key.revoked_at is null
      and (key.expires_at is null or key.expires_at > now());
  else
    digest := decode(caller ->> 'kernel_key_hmac', 'hex');
    select
      jsonb_build_object(
        'tenant_id', tenant.id, 'organization_id', kernel.organization_id, 'kind', 'kernel', 'id', kernel.id,
        'scopes', kernel.scopes, 'services', kernel.services, 'request_id', caller ->> 'request_id'
      ),
      tenant.id,
      kernel.last_used_at is null or kernel.last_used_at < now() - interval '1 minute'
    into actor, actor_tenant_id, is_stale
    from public.kernels as kernel
    left join public.tenants as tenant
      on tenant.id = named_tenant_id and tenant.organization_id = kernel.organization_id
    where kernel.key_hmac = digest
      and kernel.revoked_at is null
      and (kernel.expires_at is null or kernel.expires_at > now());
  end if;

  if actor is null then
    perform private.raise_http_error(401, 'unauthenticated');
  end if;
  -- A kernel acts only for the tenant that it names, which must belong to its organization.
  if actor_tenant_id is null or named_tenant_id <> actor_tenant_id then
    perform private.raise_http_error(403, 'tenant_not_allowed', jsonb_build_object('caller', actor));
  end if;
  if is_stale then
    perform private.touch_last_used(actor);
  end if;
  return actor;
end
$$;
comment on function private.authenticate(jsonb) is
  'Who calls: {"api_key_sha256": hex, "tenant_id"?: uuid} or {"kernel_key_hmac": hex, "tenant_id": uuid}, with a '
  '"request_id"? → {"tenant_id", "organization_id", "kind", "id", "scopes", "services", "request_id"}. Raises PT401; PT403 '
  'when an agent names a tenant that is not its own, or a kernel names one that is not its organization''s.';
revoke all on function private.authenticate(jsonb) from public, anon, authenticated, service_role;
grant execute on function private.authenticate(jsonb) to tenant_scope;

create function private.enter_tenant(caller jsonb, scope text) returns jsonb
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
    perform private.raise_http_error(403, 'insufficient_scope', jsonb_build_object('caller', actor, 'scope', scope));
  end if;
  -- An assignment costs less than perform, which runs a query.
  entered := set_config('app.tenant_id', actor ->> 'tenant_id', true);
  if scope = 'servers:write' then
    -- The trigger keep_tool_prefixes_apart reads it.
    entered := set_config('app.caller', actor::text, true);
  end if;
  return actor;
end
$$;
comment on function private.enter_tenant(jsonb, text) is
  'Authenticates the caller, requires the scope unless it is null, and enters the caller''s tenant until the transaction '
  'ends. Returns the caller as private.authenticate does.';
revoke all on function private.enter_tenant(jsonb, text) from public, anon, authenticated, service_role;
grant execute on function private.enter_tenant(jsonb, text) to tenant_scope;

create function public.authenticate_caller(caller jsonb) returns jsonb
language plpgsql
-- Definer: service_role must not read the tables of keys either.
security definer
set search_path = ''
set statement_timeout = '4s'
as $$
begin
  return private.authenticate(caller);
end
$$;
comment on function public.authenticate_caller(jsonb) is
  'For the vault, which stores no keys: returns the caller as private.authenticate does.';
revoke all on function public.authenticate_caller(jsonb) from public, anon, authenticated, service_role;
grant execute on function public.authenticate_caller(jsonb) to service_role, function_caller;

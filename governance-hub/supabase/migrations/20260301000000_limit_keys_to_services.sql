-- A key may be limited to certain services: it then touches the credentials of those alone. The hub tells the vault, whose
-- database enforces it.

create function private.is_service_list(services text[]) returns boolean
language sql immutable
set search_path = ''
as $$
  select cardinality(services) <= 100
    and coalesce(bool_and(coalesce(char_length(service) <= 64 and service ~ '^[A-Za-z0-9][A-Za-z0-9._:/-]*$', false)), true)
  from unnest(services) as service
$$;
comment on function private.is_service_list(text[]) is 'At most 100 names of services, each as tenant_credentials has them.';
revoke all on function private.is_service_list(text[]) from public, anon, authenticated, service_role;

alter table public.api_keys add column services text[] constraint services_form check (private.is_service_list(services));
comment on column public.api_keys.services is 'The services whose credentials it may touch. Null means all, an empty list none.';
alter table public.kernels add column services text[] constraint services_form check (private.is_service_list(services));
comment on column public.kernels.services is 'The services whose credentials it may touch. Null means all, an empty list none.';

create or replace function private.authenticate(caller jsonb) returns jsonb
language plpgsql
-- Definer: it reads the key tables, which tenant_scope must not.
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
    perform private.refuse(401, 'unauthenticated');
  end if;
  -- A kernel has no tenant but the one that it names, and that one is its organization's.
  if actor_tenant_id is null or named_tenant_id <> actor_tenant_id then
    perform private.refuse(403, 'tenant_not_allowed', jsonb_build_object('caller', actor));
  end if;
  if is_stale then
    perform private.note_use(actor);
  end if;
  return actor;
end
$$;
comment on function private.authenticate(jsonb) is
  'Who calls: {"api_key_sha256": hex, "tenant_id"?: uuid} or {"kernel_key_hmac": hex, "tenant_id": uuid}, with a '
  '"request_id"? → {"tenant_id", "organization_id", "kind", "id", "scopes", "services", "request_id"}. Raises PT401; PT403 '
  'when an agent names another tenant than its own, or a kernel one that is not its organization''s.';

create function private.note_use(actor jsonb) returns void
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
comment on function private.note_use(jsonb) is 'Moves last_used_at of the actor''s key, unless another call does so now.';
revoke all on function private.note_use(jsonb) from public, anon, authenticated, service_role;

drop function private.authenticate_agent(bytea, uuid);
drop function private.authenticate_kernel(bytea, uuid);

create or replace function public.authenticate_caller(caller jsonb) returns jsonb
language plpgsql
-- Definer: service_role must not read the key tables either.
security definer
set search_path = ''
set statement_timeout = '4s'
as $$
begin
  return private.authenticate(caller);
end
$$;

create or replace function public.issue_api_key(tenant_id uuid, key jsonb) returns jsonb
language sql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
  insert into public.api_keys as issued (tenant_id, name, display_prefix, key_sha256, scopes, services, expires_at)
  select
    issue_api_key.tenant_id,
    key ->> 'name',
    key ->> 'display_prefix',
    decode(key ->> 'key_sha256', 'hex'),
    coalesce(read.scopes, private.all_scopes()),
    read.services,
    (key ->> 'expires_at')::timestamptz
  from jsonb_populate_record(null::public.api_keys, key) as read
  returning to_jsonb(issued) - 'key_sha256'
$$;
comment on function public.issue_api_key(uuid, jsonb) is
  'Operators: a key for agents of a tenant: {"name", "display_prefix", "key_sha256": hex, "scopes"?, "services"?, '
  '"expires_at"?}.';

create or replace function public.issue_kernel(organization_id uuid, key jsonb) returns jsonb
language sql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
  insert into public.kernels as issued (organization_id, name, display_prefix, key_hmac, scopes, services, expires_at)
  select
    issue_kernel.organization_id,
    key ->> 'name',
    key ->> 'display_prefix',
    decode(key ->> 'key_hmac', 'hex'),
    coalesce(read.scopes, private.all_scopes()),
    read.services,
    (key ->> 'expires_at')::timestamptz
  from jsonb_populate_record(null::public.kernels, key) as read
  returning to_jsonb(issued) - 'key_hmac'
$$;
comment on function public.issue_kernel(uuid, jsonb) is
  'Operators: a key for kernels of an organization: {"name", "display_prefix", "key_hmac": hex, "scopes"?, "services"?, '
  '"expires_at"?}.';

create or replace function public.list_api_keys(filter jsonb) returns jsonb
language sql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
  select coalesce(jsonb_agg(to_jsonb(page) order by page.id), '[]')
  from (
    select
      key.id, key.tenant_id, tenant.name as tenant_name, organization.name as organization_name,
      key.name, key.display_prefix, key.scopes, key.services,
      key.created_at, key.expires_at, key.revoked_at, key.last_used_at
    from public.api_keys as key
    join public.tenants as tenant on tenant.id = key.tenant_id
    join public.organizations as organization on organization.id = tenant.organization_id
    where (filter ->> 'tenant_id' is null or key.tenant_id = (filter ->> 'tenant_id')::uuid)
      and (filter ->> 'after' is null or key.id > (filter ->> 'after')::uuid)
    order by key.id
    limit 1000
  ) as page
$$;

create or replace function public.list_kernels(filter jsonb) returns jsonb
language sql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
  select coalesce(jsonb_agg(to_jsonb(page) order by page.id), '[]')
  from (
    select
      kernel.id, kernel.organization_id, organization.name as organization_name,
      kernel.name, kernel.display_prefix, kernel.scopes, kernel.services,
      kernel.created_at, kernel.expires_at, kernel.revoked_at, kernel.last_used_at
    from public.kernels as kernel
    join public.organizations as organization on organization.id = kernel.organization_id
    where (filter ->> 'organization_id' is null or kernel.organization_id = (filter ->> 'organization_id')::uuid)
      and (filter ->> 'after' is null or kernel.id > (filter ->> 'after')::uuid)
    order by kernel.id
    limit 1000
  ) as page
$$;

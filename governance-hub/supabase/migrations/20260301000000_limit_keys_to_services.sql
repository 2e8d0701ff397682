-- A key may be limited to certain services: it then touches the credentials of those alone. The hub tells the vault, whose
-- database enforces it.

create function private.is_service_list(services text[]) returns boolean
language sql immutable
set search_path = ''
as $$
  select cardinality(services) <= 100
    and coalesce(bool_and(coalesce(service ~ '^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$', false)), true)
  from unnest(services) as service
$$;
comment on function private.is_service_list(text[]) is 'At most 100 names of services, each as tenant_credentials has them.';
revoke all on function private.is_service_list(text[]) from public, anon, authenticated, service_role;

alter table public.api_keys add column services text[] constraint services_form check (private.is_service_list(services));
comment on column public.api_keys.services is 'The services whose credentials it may touch. Null means all, an empty list none.';
alter table public.kernels add column services text[] constraint services_form check (private.is_service_list(services));
comment on column public.kernels.services is 'The services whose credentials it may touch. Null means all, an empty list none.';

create or replace function private.authenticate_agent(digest bytea, claimed_tenant_id uuid) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  known jsonb;
  stale_key_id uuid;
begin
  select
    jsonb_build_object(
      'tenant_id', tenant.id, 'organization_id', tenant.organization_id,
      'kind', 'agent', 'id', key.id, 'scopes', key.scopes, 'services', key.services
    ),
    case when key.last_used_at is null or key.last_used_at < now() - interval '1 minute' then key.id end
  into known, stale_key_id
  from public.api_keys as key
  join public.tenants as tenant on tenant.id = key.tenant_id
  where key.key_sha256 = digest
    and key.revoked_at is null
    and (key.expires_at is null or key.expires_at > now());

  if known is null then
    perform private.refuse(401, 'unauthenticated');
  end if;
  if claimed_tenant_id <> (known ->> 'tenant_id')::uuid then
    perform private.refuse(403, 'tenant_not_allowed', jsonb_build_object('caller', private.actor_of(known)));
  end if;
  if stale_key_id is not null then
    update public.api_keys as key set last_used_at = now()
    where key.id = (select used.id from public.api_keys as used where used.id = stale_key_id for update skip locked);
  end if;
  return known;
end
$$;

create or replace function private.authenticate_kernel(digest bytea, wanted_tenant_id uuid) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  known jsonb;
  stale_kernel_id uuid;
begin
  select
    jsonb_build_object(
      'tenant_id', tenant.id, 'organization_id', kernel.organization_id,
      'kind', 'kernel', 'id', kernel.id, 'scopes', kernel.scopes, 'services', kernel.services
    ),
    case when kernel.last_used_at is null or kernel.last_used_at < now() - interval '1 minute' then kernel.id end
  into known, stale_kernel_id
  from public.kernels as kernel
  left join public.tenants as tenant
    on tenant.id = wanted_tenant_id and tenant.organization_id = kernel.organization_id
  where kernel.key_hmac = digest
    and kernel.revoked_at is null
    and (kernel.expires_at is null or kernel.expires_at > now());

  if known is null then
    perform private.refuse(401, 'unauthenticated');
  end if;
  if known ->> 'tenant_id' is null then
    perform private.refuse(403, 'tenant_not_allowed', jsonb_build_object('caller', private.actor_of(known)));
  end if;
  if stale_kernel_id is not null then
    update public.kernels as kernel set last_used_at = now()
    where kernel.id = (select used.id from public.kernels as used where used.id = stale_kernel_id for update skip locked);
  end if;
  return known;
end
$$;

create function private.actor_of(known jsonb) returns jsonb
language plpgsql immutable
set search_path = ''
as $$
begin
  return known - '{scopes,services}'::text[];
end
$$;
comment on function private.actor_of(jsonb) is 'Who acts, without what the key allows.';
revoke all on function private.actor_of(jsonb) from public, anon, authenticated, service_role;
grant execute on function private.actor_of(jsonb) to tenant_scope;

comment on function private.authenticate(jsonb) is
  'Who calls: {"api_key_sha256": hex, "tenant_id"?: uuid} or {"kernel_key_hmac": hex, "tenant_id": uuid} → '
  '{"tenant_id", "organization_id", "kind", "id", "scopes", "services"}. Raises PT401, PT403.';

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

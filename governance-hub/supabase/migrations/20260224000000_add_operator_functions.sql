-- What an operator does to the hub: provision, issue, revoke. The only functions that cross tenants; the keys themselves
-- never come here, only their digests.

create function public.create_organization(name text) returns jsonb
language sql
-- Definer, like all below: service_role holds no table, and these are its only way to them.
security definer
set search_path = ''
set statement_timeout = '4s'
as $$
  insert into public.organizations as organization (name) values (create_organization.name)
  returning to_jsonb(organization)
$$;
comment on function public.create_organization(text) is 'Operators: a new organization. Raises 23505 when the name is taken.';

create function public.create_tenant(organization_id uuid, name text) returns jsonb
language sql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
  insert into public.tenants as tenant (organization_id, name) values (create_tenant.organization_id, create_tenant.name)
  returning to_jsonb(tenant)
$$;
comment on function public.create_tenant(uuid, text) is
  'Operators: a new tenant. Raises 23503 for an unknown organization, 23505 when it has a tenant of that name.';

create function public.issue_api_key(tenant_id uuid, key jsonb) returns jsonb
language sql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
  insert into public.api_keys as issued (tenant_id, name, display_prefix, key_sha256, scopes, expires_at)
  select
    issue_api_key.tenant_id,
    key ->> 'name',
    key ->> 'display_prefix',
    decode(key ->> 'key_sha256', 'hex'),
    coalesce((jsonb_populate_record(null::public.api_keys, key)).scopes, private.all_scopes()),
    (key ->> 'expires_at')::timestamptz
  returning to_jsonb(issued) - 'key_sha256'
$$;
comment on function public.issue_api_key(uuid, jsonb) is
  'Operators: a key for agents of a tenant: {"name", "display_prefix", "key_sha256": hex, "scopes"?, "expires_at"?}.';

create function public.issue_kernel(organization_id uuid, key jsonb) returns jsonb
language sql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
  insert into public.kernels as issued (organization_id, name, display_prefix, key_hmac, scopes, expires_at)
  select
    issue_kernel.organization_id,
    key ->> 'name',
    key ->> 'display_prefix',
    decode(key ->> 'key_hmac', 'hex'),
    coalesce((jsonb_populate_record(null::public.kernels, key)).scopes, private.all_scopes()),
    (key ->> 'expires_at')::timestamptz
  returning to_jsonb(issued) - 'key_hmac'
$$;
comment on function public.issue_kernel(uuid, jsonb) is
  'Operators: a key for kernels of an organization: {"name", "display_prefix", "key_hmac": hex, "scopes"?, "expires_at"?}.';

create function public.revoke_api_key(id uuid) returns jsonb
language sql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
  update public.api_keys as revoked set revoked_at = coalesce(revoked.revoked_at, now())
  where revoked.id = revoke_api_key.id
  returning to_jsonb(revoked) - 'key_sha256'
$$;
comment on function public.revoke_api_key(uuid) is 'Operators: the key is refused from the next request on. Null when there is none.';

create function public.revoke_kernel(id uuid) returns jsonb
language sql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
  update public.kernels as revoked set revoked_at = coalesce(revoked.revoked_at, now())
  where revoked.id = revoke_kernel.id
  returning to_jsonb(revoked) - 'key_hmac'
$$;
comment on function public.revoke_kernel(uuid) is 'Operators: the key is refused from the next request on. Null when there is none.';

revoke all on function public.create_organization(text) from public, anon, authenticated, service_role;
revoke all on function public.create_tenant(uuid, text) from public, anon, authenticated, service_role;
revoke all on function public.issue_api_key(uuid, jsonb) from public, anon, authenticated, service_role;
revoke all on function public.issue_kernel(uuid, jsonb) from public, anon, authenticated, service_role;
revoke all on function public.revoke_api_key(uuid) from public, anon, authenticated, service_role;
revoke all on function public.revoke_kernel(uuid) from public, anon, authenticated, service_role;
grant execute on function public.create_organization(text) to service_role;
grant execute on function public.create_tenant(uuid, text) to service_role;
grant execute on function public.issue_api_key(uuid, jsonb) to service_role;
grant execute on function public.issue_kernel(uuid, jsonb) to service_role;
grant execute on function public.revoke_api_key(uuid) to service_role;
grant execute on function public.revoke_kernel(uuid) to service_role;

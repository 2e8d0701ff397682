-- The functions for operators: provision, issue, revoke, list, offboard. Only these functions cross tenants. They receive
-- digests of keys, never keys, and never return a digest.

create function public.create_organization(name text) returns jsonb
language sql
-- Definer, like all functions below: service_role can only use the tables through these functions.
security definer
set search_path = ''
set statement_timeout = '4s'
as $$
  insert into public.organizations as organization (name) values (create_organization.name)
  returning to_jsonb(organization)
$$;
comment on function public.create_organization(text) is 'Operators: adds an organization. Raises 23505 if the name is taken.';
revoke all on function public.create_organization(text) from public, anon, authenticated, service_role;
grant execute on function public.create_organization(text) to service_role;

create function public.create_tenant(organization_id uuid, name text) returns jsonb
language sql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
  insert into public.tenants as tenant (organization_id, name) values (create_tenant.organization_id, create_tenant.name)
  returning to_jsonb(tenant)
$$;
comment on function public.create_tenant(uuid, text) is
  'Operators: adds a tenant. Raises 23503 for an unknown organization, 23505 if it has a tenant of that name.';
revoke all on function public.create_tenant(uuid, text) from public, anon, authenticated, service_role;
grant execute on function public.create_tenant(uuid, text) to service_role;

create function private.read_list(key jsonb, name text) returns text[]
language plpgsql immutable
set search_path = ''
as $$
begin
  if coalesce(jsonb_typeof(key -> name), 'null') = 'null' then
    return null;
  end if;
  if jsonb_typeof(key -> name) <> 'array' or jsonb_path_exists(key -> name, 'strict $[*] ? (@.type() != "string")') then
    raise exception '% must be a list of strings', name using errcode = '22023';
  end if;
  return array(select jsonb_array_elements_text(key -> name));
end
$$;
comment on function private.read_list(jsonb, text) is
  'A member of a new key that is a list of strings, or null if it is absent. Raises 22023 for anything else.';
revoke all on function private.read_list(jsonb, text) from public, anon, authenticated, service_role;

create function public.issue_api_key(tenant_id uuid, key jsonb) returns jsonb
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
    coalesce(private.read_list(key, 'scopes'), private.all_scopes()),
    private.read_list(key, 'services'),
    (key ->> 'expires_at')::timestamptz
  returning to_jsonb(issued) - 'key_sha256'
$$;
comment on function public.issue_api_key(uuid, jsonb) is
  'Operators: adds a key for agents of a tenant: {"name", "display_prefix", "key_sha256": hex, "scopes"?, "services"?, '
  '"expires_at"?}.';
revoke all on function public.issue_api_key(uuid, jsonb) from public, anon, authenticated, service_role;
grant execute on function public.issue_api_key(uuid, jsonb) to service_role;

create function public.issue_kernel(organization_id uuid, key jsonb) returns jsonb
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
    coalesce(private.read_list(key, 'scopes'), private.all_scopes()),
    private.read_list(key, 'services'),
    (key ->> 'expires_at')::timestamptz
  returning to_jsonb(issued) - 'key_hmac'
$$;
comment on function public.issue_kernel(uuid, jsonb) is
  'Operators: adds a key for kernels of an organization: {"name", "display_prefix", "key_hmac": hex, "scopes"?, '
  '"services"?, "expires_at"?}.';
revoke all on function public.issue_kernel(uuid, jsonb) from public, anon, authenticated, service_role;
grant execute on function public.issue_kernel(uuid, jsonb) to service_role;

create function public.revoke_api_key(id uuid) returns jsonb
language sql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
  update public.api_keys as revoked set revoked_at = coalesce(revoked.revoked_at, now())
  where revoked.id = revoke_api_key.id
  returning to_jsonb(revoked) - 'key_sha256'
$$;
comment on function public.revoke_api_key(uuid) is
  'Operators: the key is refused from the next request on. Returns null if there is no such key.';
revoke all on function public.revoke_api_key(uuid) from public, anon, authenticated, service_role;
grant execute on function public.revoke_api_key(uuid) to service_role;

create function public.revoke_kernel(id uuid) returns jsonb
language sql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
  update public.kernels as revoked set revoked_at = coalesce(revoked.revoked_at, now())
  where revoked.id = revoke_kernel.id
  returning to_jsonb(revoked) - 'key_hmac'
$$;
comment on function public.revoke_kernel(uuid) is
  'Operators: the key is refused from the next request on. Returns null if there is no such key.';
revoke all on function public.revoke_kernel(uuid) from public, anon, authenticated, service_role;
grant execute on function public.revoke_kernel(uuid) to service_role;

-- Each list is a page of at most 1,000 rows. "after" is the last row of the previous page.

create function public.list_organizations(filter jsonb) returns jsonb
language sql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
  select coalesce(jsonb_agg(to_jsonb(page) order by page.id), '[]')
  from (
    select organization.id, organization.name, organization.created_at
    from public.organizations as organization
    where (
        filter ->> 'reference' is null
        or organization.id::text = lower(filter ->> 'reference')
        or organization.name = filter ->> 'reference'
      )
      and (filter ->> 'after' is null or organization.id > (filter ->> 'after')::uuid)
    order by organization.id
    limit 1000
  ) as page
$$;
comment on function public.list_organizations(jsonb) is
  'Operators: organizations by id: {"reference"?: an id or a name, "after"?: id}.';
revoke all on function public.list_organizations(jsonb) from public, anon, authenticated, service_role;
grant execute on function public.list_organizations(jsonb) to service_role;

create function public.list_tenants(filter jsonb) returns jsonb
language sql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
  select coalesce(jsonb_agg(to_jsonb(page) order by page.id), '[]')
  from (
    select
      tenant.id, tenant.name, tenant.organization_id, organization.name as organization_name, tenant.created_at,
      tenant.max_servers, coalesce(current.server_count, 0) as servers
    from public.tenants as tenant
    join public.organizations as organization on organization.id = tenant.organization_id
    left join public.tenant_server_revisions as current on current.tenant_id = tenant.id
    where (filter ->> 'organization_id' is null or tenant.organization_id = (filter ->> 'organization_id')::uuid)
      and (
        filter ->> 'reference' is null
        or tenant.id::text = lower(filter ->> 'reference')
        or tenant.name = filter ->> 'reference'
        or organization.name || '/' || tenant.name = filter ->> 'reference'
      )
      and (filter ->> 'after' is null or tenant.id > (filter ->> 'after')::uuid)
    order by tenant.id
    limit 1000
  ) as page
$$;
comment on function public.list_tenants(jsonb) is
  'Operators: tenants by id: {"organization_id"?, "reference"?: an id, a name or organization/name, "after"?: id}.';
revoke all on function public.list_tenants(jsonb) from public, anon, authenticated, service_role;
grant execute on function public.list_tenants(jsonb) to service_role;

create function public.list_api_keys(filter jsonb) returns jsonb
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
comment on function public.list_api_keys(jsonb) is
  'Operators: keys of agents by id, without their digests: {"tenant_id"?, "after"?: id}.';
revoke all on function public.list_api_keys(jsonb) from public, anon, authenticated, service_role;
grant execute on function public.list_api_keys(jsonb) to service_role;

create function public.list_kernels(filter jsonb) returns jsonb
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
comment on function public.list_kernels(jsonb) is
  'Operators: keys of kernels by id, without their digests: {"organization_id"?, "after"?: id}.';
revoke all on function public.list_kernels(jsonb) from public, anon, authenticated, service_role;
grant execute on function public.list_kernels(jsonb) to service_role;

create function public.list_tenant_servers(filter jsonb) returns jsonb
language sql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
  select coalesce(jsonb_agg(to_jsonb(page) order by page.tenant_id, page.server_id), '[]')
  from (
    select
      server.id, server.tenant_id, tenant.name as tenant_name, organization.name as organization_name,
      server.server_id, server.name, server.command, server.tool_prefix, server.enabled,
      server.created_at, server.updated_at
    from public.tenant_mcp_servers as server
    join public.tenants as tenant on tenant.id = server.tenant_id
    join public.organizations as organization on organization.id = tenant.organization_id
    -- A range, so that the index serves both one tenant's servers and all.
    where server.tenant_id
        between coalesce((filter ->> 'tenant_id')::uuid, '00000000-0000-0000-0000-000000000000')
        and coalesce((filter ->> 'tenant_id')::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
      and (server.tenant_id, server.server_id) > (
        coalesce((filter -> 'after' ->> 'tenant_id')::uuid, '00000000-0000-0000-0000-000000000000'),
        coalesce(filter -> 'after' ->> 'server_id', '')
      )
    order by server.tenant_id, server.server_id
    limit 1000
  ) as page
$$;
comment on function public.list_tenant_servers(jsonb) is
  'Operators: servers by tenant and server_id: {"tenant_id"?, "after"?: {"tenant_id", "server_id"}}. Without args: they '
  'may contain something that operators must not see.';
revoke all on function public.list_tenant_servers(jsonb) from public, anon, authenticated, service_role;
grant execute on function public.list_tenant_servers(jsonb) to service_role;

create function public.count_tenant(tenant_id uuid) returns jsonb
language sql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
  select jsonb_build_object(
    'servers', (select count(*) from public.tenant_mcp_servers as server where server.tenant_id = count_tenant.tenant_id),
    'api_keys', (select count(*) from public.api_keys as key where key.tenant_id = count_tenant.tenant_id)
  )
$$;
comment on function public.count_tenant(uuid) is 'Operators: what delete_tenant would remove: {"servers", "api_keys"}.';
revoke all on function public.count_tenant(uuid) from public, anon, authenticated, service_role;
grant execute on function public.count_tenant(uuid) to service_role;

create function public.set_server_quota(tenant_id uuid, max_servers integer) returns jsonb
language sql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
  update public.tenants as tenant set max_servers = set_server_quota.max_servers
  where tenant.id = set_server_quota.tenant_id
  returning jsonb_build_object(
    'servers', coalesce(
      (select current.server_count from public.tenant_server_revisions as current where current.tenant_id = tenant.id), 0
    ),
    'max_servers', tenant.max_servers
  )
$$;
comment on function public.set_server_quota(uuid, integer) is
  'Operators: sets how many servers the tenant may have. Deletes no server. Returns {"servers", "max_servers"}: how many it has '
  'and may have; null if there is no such tenant. Raises 23514 for a negative number.';
revoke all on function public.set_server_quota(uuid, integer) from public, anon, authenticated, service_role;
grant execute on function public.set_server_quota(uuid, integer) to service_role;

create function public.revoke_tenant_api_keys(tenant_id uuid) returns jsonb
language sql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
  with revoked as (
    update public.api_keys as key set revoked_at = now()
    where key.tenant_id = revoke_tenant_api_keys.tenant_id and key.revoked_at is null
    returning key.id
  )
  select jsonb_build_object('revoked', count(*)) from revoked
$$;
comment on function public.revoke_tenant_api_keys(uuid) is
  'Operators: every key of the tenant is refused from the next request on. Returns {"revoked"}: the number of keys that '
  'were not revoked before.';
revoke all on function public.revoke_tenant_api_keys(uuid) from public, anon, authenticated, service_role;
grant execute on function public.revoke_tenant_api_keys(uuid) to service_role;

create function public.delete_tenant(tenant_id uuid) returns jsonb
language plpgsql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
declare
  deleted_keys bigint;
  deleted_servers bigint;
  is_done boolean;
begin
  delete from public.api_keys as key where key.tenant_id = delete_tenant.tenant_id;
  get diagnostics deleted_keys = row_count;
  -- A kernel that registers a server now waits for this lock, and then does not find the tenant.
  perform from public.tenants as tenant where tenant.id = delete_tenant.tenant_id for update;
  with deleted as (
    delete from public.tenant_mcp_servers as server
    where server.id in (
      select doomed.id from public.tenant_mcp_servers as doomed
      where doomed.tenant_id = delete_tenant.tenant_id
      order by doomed.server_id
      limit 1000
    )
    returning server.*
  ), recorded as (
    insert into public.mcp_server_events (tenant_id, action, server_id, registration_id, version, actor_kind)
    select deleted.tenant_id, 'delete', deleted.server_id, deleted.id, deleted.version, 'operator' from deleted
  )
  select count(*) into deleted_servers from deleted;
  is_done := not exists (
    select from public.tenant_mcp_servers as server where server.tenant_id = delete_tenant.tenant_id
  );
  if is_done then
    delete from public.tenants as tenant where tenant.id = delete_tenant.tenant_id;
  end if;
  return jsonb_build_object('api_keys', deleted_keys, 'servers', deleted_servers, 'done', is_done);
end
$$;
comment on function public.delete_tenant(uuid) is
  'Operators: deletes the tenant''s keys, at most 1,000 of its servers, and the tenant once it has no server. Call it until '
  '"done". Its credentials are in the vault: call purge_tenant_credentials there first.';
revoke all on function public.delete_tenant(uuid) from public, anon, authenticated, service_role;
grant execute on function public.delete_tenant(uuid) to service_role;

create function public.list_events(filter jsonb) returns jsonb
language plpgsql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
declare
  wanted_tenant_id uuid := filter ->> 'tenant_id';
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
    select jsonb_agg(to_jsonb(page) order by page.occurred_at, page.id) into events
    from (
      select event.*
      from public.mcp_server_events as event
      where event.occurred_at < until
        and (event.occurred_at, event.id) > (after_occurred_at, after_id)
        and (filter ->> 'action' is null or event.action = filter ->> 'action')
        and (filter ->> 'server_id' is null or event.server_id = filter ->> 'server_id')
      order by event.occurred_at, event.id
      limit 1000
    ) as page;
  else
    select jsonb_agg(to_jsonb(page) order by page.occurred_at, page.id) into events
    from (
      select event.*
      from public.mcp_server_events as event
      where event.tenant_id = wanted_tenant_id
        and event.occurred_at < until
        and (event.occurred_at, event.id) > (after_occurred_at, after_id)
        and (filter ->> 'action' is null or event.action = filter ->> 'action')
        and (filter ->> 'server_id' is null or event.server_id = filter ->> 'server_id')
      order by event.occurred_at, event.id
      limit 1000
    ) as page;
  end if;
  return coalesce(events, '[]');
end
$$;
comment on function public.list_events(jsonb) is
  'Operators: at most 1,000 events, oldest first: {"tenant_id"?, "action"?, "server_id"?, "since"?, "until"?, "after"?: '
  '{"occurred_at", "id"}}, the last event of the previous page; until is exclusive.';
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
    'counts', jsonb_build_object(
      'organizations', (select count(*) from public.organizations),
      'tenants', (select count(*) from public.tenants),
      'live_api_keys', (
        select count(*) from public.api_keys as key
        where key.revoked_at is null and (key.expires_at is null or key.expires_at > now())
      ),
      'live_kernels', (
        select count(*) from public.kernels as kernel
        where kernel.revoked_at is null and (kernel.expires_at is null or kernel.expires_at > now())
      ),
      'servers', (select count(*) from public.tenant_mcp_servers)
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
        and function.proname <> 'authenticate_caller'
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
  'Operators: the versions of the applied migrations (null if nothing records them), counts, the role tenant_scope (null if '
  'it is missing), the tenant functions that it does not own, and the tables without row-level security.';
revoke all on function public.read_status() from public, anon, authenticated, service_role;
grant execute on function public.read_status() to service_role;

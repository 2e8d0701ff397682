-- The privileges in the catalog. A grant or a function that this file does not list fails a test.

begin;
create schema if not exists extensions;
create extension if not exists pgtap with schema extensions;
-- Without public, so that every name below includes its schema.
set local search_path = extensions, pg_catalog;

create temporary view our_functions as
  select function.*, function.oid::regprocedure::text as signature
  from pg_proc as function
  where function.pronamespace in ('public'::regnamespace, 'private'::regnamespace);

select plan(13);

select bag_eq(
  $$
    select lower(privilege_type) || ' on ' || relation.oid::regclass || ' to '
      || case when grantee = 0 then 'public' else grantee::regrole::text end
      || case when is_grantable then ' with grant option' else '' end
    from pg_class as relation, aclexplode(relation.relacl)
    where relation.relnamespace in ('public'::regnamespace, 'private'::regnamespace) and grantee <> relation.relowner
  $$,
  array[
    'select on public.tenant_mcp_servers to tenant_scope',
    'insert on public.tenant_mcp_servers to tenant_scope',
    'update on public.tenant_mcp_servers to tenant_scope',
    'delete on public.tenant_mcp_servers to tenant_scope',
    'select on public.tenant_server_revisions to tenant_scope',
    'insert on public.tenant_server_revisions to tenant_scope',
    'update on public.tenant_server_revisions to tenant_scope',
    'select on public.mcp_server_events to tenant_scope',
    'insert on public.mcp_server_events to tenant_scope'
  ],
  'only tenant_scope has grants on tables, and it cannot change or delete an event'
);

select bag_eq(
  $$
    select lower(privilege_type) || ' (' || attribute.attname || ') on ' || relation.oid::regclass || ' to '
      || case when grantee = 0 then 'public' else grantee::regrole::text end
      || case when is_grantable then ' with grant option' else '' end
    from pg_attribute as attribute
    join pg_class as relation on relation.oid = attribute.attrelid, aclexplode(attribute.attacl)
    where relation.relnamespace in ('public'::regnamespace, 'private'::regnamespace)
  $$,
  array[
    'update (milliseconds) on public.mcp_server_events to tenant_scope',
    'update (outcome) on public.mcp_server_events to tenant_scope'
  ],
  'no other columns have grants'
);

select bag_eq(
  $$ select signature from our_functions where has_function_privilege('service_role', oid, 'execute') $$,
  array[
    'public.register_mcp_server(jsonb,jsonb)',
    'public.list_mcp_servers(jsonb,jsonb)',
    'public.update_mcp_server(jsonb,text,jsonb,integer)',
    'public.delete_mcp_server(jsonb,text,integer)',
    'public.list_mcp_server_events(jsonb,jsonb)',
    'public.authorize_tool(jsonb,text)',
    'public.authorize_call(jsonb,text,text)',
    'public.list_callable_servers(jsonb,jsonb)',
    'public.flush_events()',
    'public.end_call(jsonb,jsonb)',
    'public.authenticate_caller(jsonb)',
    'public.create_organization(text)',
    'public.create_tenant(uuid,text)',
    'public.issue_api_key(uuid,jsonb)',
    'public.issue_kernel(uuid,jsonb)',
    'public.revoke_api_key(uuid)',
    'public.revoke_kernel(uuid)',
    'public.list_organizations(jsonb)',
    'public.list_tenants(jsonb)',
    'public.list_api_keys(jsonb)',
    'public.list_kernels(jsonb)',
    'public.list_tenant_servers(jsonb)',
    'public.count_tenant(uuid)',
    'public.set_server_quota(uuid,integer)',
    'public.revoke_tenant_api_keys(uuid)',
    'public.delete_tenant(uuid)',
    'public.list_events(jsonb)',
    'public.set_caller_password(text)',
    'public.read_status()'
  ],
  'service_role can execute only the functions listed here'
);

select bag_eq(
  $$ select signature from our_functions where has_function_privilege('function_caller', oid, 'execute') $$,
  array[
    'public.register_mcp_server(jsonb,jsonb)',
    'public.list_mcp_servers(jsonb,jsonb)',
    'public.update_mcp_server(jsonb,text,jsonb,integer)',
    'public.delete_mcp_server(jsonb,text,integer)',
    'public.list_mcp_server_events(jsonb,jsonb)',
    'public.authorize_tool(jsonb,text)',
    'public.authorize_call(jsonb,text,text)',
    'public.list_callable_servers(jsonb,jsonb)',
    'public.flush_events()',
    'public.end_call(jsonb,jsonb)',
    'public.authenticate_caller(jsonb)'
  ],
  'function_caller can execute only the functions of the endpoints'
);

select is_empty(
  $$
    select rolname from pg_roles
    where rolname = 'function_caller'
      and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication or rolinherit or not rolcanlogin)
    union all
    select granted.roleid::regrole::text from pg_auth_members as granted where granted.member = 'function_caller'::regrole
  $$,
  'function_caller can only log in, and is a member of no role'
);

select bag_eq(
  $$ select signature from our_functions where has_function_privilege('tenant_scope', oid, 'execute') $$,
  array[
    'public.register_mcp_server(jsonb,jsonb)',
    'public.list_mcp_servers(jsonb,jsonb)',
    'public.update_mcp_server(jsonb,text,jsonb,integer)',
    'public.delete_mcp_server(jsonb,text,integer)',
    'public.list_mcp_server_events(jsonb,jsonb)',
    'public.authorize_tool(jsonb,text)',
    'public.authorize_call(jsonb,text,text)',
    'public.list_callable_servers(jsonb,jsonb)',
    'public.flush_events()',
    'public.end_call(jsonb,jsonb)',
    'private.authenticate(jsonb)',
    'private.current_tenant_id()',
    'private.decide_tool(jsonb,text[],text)',
    'private.describe_server(public.tenant_mcp_servers)',
    'private.enter_tenant(jsonb,text)',
    'private.find_overlapping_server(uuid,text)',
    'private.find_tool_owner(text)',
    'private.is_argument_list(text[])',
    'private.is_plain_text(text)',
    'private.keep_quota(jsonb)',
    'private.raise_http_error(integer,text,jsonb)',
    'private.record_server_event(jsonb,text,public.tenant_mcp_servers,text[])',
    'private.refuse_prefix(jsonb,jsonb)',
    'private.refuse_taken(jsonb,text,text)',
    'private.require_version(jsonb,integer,integer)',
    'private.server_quota()'
  ],
  'tenant_scope can execute only its own functions and the helpers that they call'
);

select is_empty(
  $$
    select role, signature
    from our_functions, unnest(array['anon', 'authenticated', 'authenticator', 'public']) as role
    where has_function_privilege(role, oid, 'execute')
  $$,
  'anon, authenticated, authenticator and PUBLIC cannot execute any function'
);

select is_empty(
  $$
    select signature, grantee, is_grantable
    from our_functions, aclexplode(coalesce(proacl, acldefault('f', proowner)))
    where grantee not in (
        proowner, 'service_role'::regrole, 'tenant_scope'::regrole, 'function_caller'::regrole
      )
      or is_grantable and grantee <> proowner
  $$,
  'only service_role, tenant_scope and function_caller have grants on functions, without grant option'
);

select bag_eq(
  $$
    select lower(privilege_type) || ' to ' || case when grantee = 0 then 'public' else grantee::regrole::text end
      || case when is_grantable then ' with grant option' else '' end
    from pg_namespace, aclexplode(nspacl)
    where nspname = 'private' and grantee <> nspowner
  $$,
  array['usage to tenant_scope'],
  'only tenant_scope can use the schema private, and it cannot create in it'
);

select is_empty(
  $$
    select role
    from unnest(array['tenant_scope', 'service_role', 'anon', 'authenticated', 'authenticator', 'public']) as role
    where has_schema_privilege(role, 'public', 'create')
  $$,
  'tenant_scope and the roles of the data API cannot create in the schema public'
);

select is_empty(
  $$ select signature, proconfig from our_functions where not 'search_path=""' = any (coalesce(proconfig, '{}')) $$,
  'every function has an empty search_path'
);

select is_empty(
  $$
    select signature, proconfig
    from our_functions
    where pronamespace = 'public'::regnamespace
      and (
        proconfig is null
        or not proconfig @> '{"search_path=\"\"",statement_timeout=4s}'
        or not proconfig <@ '{"search_path=\"\"",statement_timeout=4s,plan_cache_mode=force_generic_plan,enable_bitmapscan=off}'
      )
  $$,
  'every public function has an empty search_path, a statement_timeout of 4s, and otherwise only planner settings'
);

select bag_eq(
  $$ select signature || ' as ' || proowner::regrole from our_functions where prosecdef $$,
  array[
    'public.register_mcp_server(jsonb,jsonb) as tenant_scope',
    'public.list_mcp_servers(jsonb,jsonb) as tenant_scope',
    'public.update_mcp_server(jsonb,text,jsonb,integer) as tenant_scope',
    'public.delete_mcp_server(jsonb,text,integer) as tenant_scope',
    'public.list_mcp_server_events(jsonb,jsonb) as tenant_scope',
    'public.authorize_tool(jsonb,text) as tenant_scope',
    'public.authorize_call(jsonb,text,text) as tenant_scope',
    'public.list_callable_servers(jsonb,jsonb) as tenant_scope',
    'public.flush_events() as tenant_scope',
    'public.end_call(jsonb,jsonb) as tenant_scope',
    'public.authenticate_caller(jsonb) as postgres',
    'public.create_organization(text) as postgres',
    'public.create_tenant(uuid,text) as postgres',
    'public.issue_api_key(uuid,jsonb) as postgres',
    'public.issue_kernel(uuid,jsonb) as postgres',
    'public.revoke_api_key(uuid) as postgres',
    'public.revoke_kernel(uuid) as postgres',
    'public.list_organizations(jsonb) as postgres',
    'public.list_tenants(jsonb) as postgres',
    'public.list_api_keys(jsonb) as postgres',
    'public.list_kernels(jsonb) as postgres',
    'public.list_tenant_servers(jsonb) as postgres',
    'public.count_tenant(uuid) as postgres',
    'public.set_server_quota(uuid,integer) as postgres',
    'public.revoke_tenant_api_keys(uuid) as postgres',
    'public.delete_tenant(uuid) as postgres',
    'public.list_events(jsonb) as postgres',
    'public.set_caller_password(text) as postgres',
    'public.read_status() as postgres',
    'private.authenticate(jsonb) as postgres',
    'private.find_overlapping_server(uuid,text) as postgres',
    'private.find_tool_owner(text) as postgres',
    'private.server_quota() as postgres'
  ],
  'only these functions run as their owner: those of the endpoints as tenant_scope'
);

select * from finish();
rollback;

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
    'select on public.tenant_credentials to tenant_scope',
    'insert on public.tenant_credentials to tenant_scope',
    'update on public.tenant_credentials to tenant_scope',
    'delete on public.tenant_credentials to tenant_scope',
    'select on public.credential_events to tenant_scope',
    'insert on public.credential_events to tenant_scope'
  ],
  'only tenant_scope has grants on tables, and it cannot change or delete an event'
);

select is_empty(
  $$
    select attribute.attrelid::regclass, attribute.attname, attribute.attacl
    from pg_attribute as attribute
    join pg_class as relation on relation.oid = attribute.attrelid
    where relation.relnamespace in ('public'::regnamespace, 'private'::regnamespace) and attribute.attacl is not null
  $$,
  'no other columns have grants'
);

select bag_eq(
  $$ select signature from our_functions where has_function_privilege('service_role', oid, 'execute') $$,
  array[
    'public.store_credential(jsonb,jsonb)',
    'public.list_credentials(jsonb,jsonb)',
    'public.retrieve_credential(jsonb,jsonb)',
    'public.use_credentials(jsonb,jsonb)',
    'public.delete_credential(jsonb,jsonb)',
    'public.list_credential_events(jsonb,jsonb)',
    'public.list_tenant_credentials(jsonb)',
    'public.count_tenant_credentials(text)',
    'public.set_credential_quota(text,integer)',
    'public.close_tenant(text)',
    'public.purge_tenant_credentials(text)',
    'public.list_sealed_credentials(jsonb)',
    'public.reseal_credentials(jsonb,text)',
    'public.list_events(jsonb)',
    'public.set_caller_password(text)',
    'public.read_status()'
  ],
  'service_role can execute only the functions listed here'
);

select bag_eq(
  $$ select signature from our_functions where has_function_privilege('function_caller', oid, 'execute') $$,
  array[
    'public.store_credential(jsonb,jsonb)',
    'public.list_credentials(jsonb,jsonb)',
    'public.retrieve_credential(jsonb,jsonb)',
    'public.use_credentials(jsonb,jsonb)',
    'public.delete_credential(jsonb,jsonb)',
    'public.list_credential_events(jsonb,jsonb)'
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
    'public.store_credential(jsonb,jsonb)',
    'public.list_credentials(jsonb,jsonb)',
    'public.retrieve_credential(jsonb,jsonb)',
    'public.use_credentials(jsonb,jsonb)',
    'public.delete_credential(jsonb,jsonb)',
    'public.list_credential_events(jsonb,jsonb)',
    'private.enter_tenant(jsonb,text,text)',
    'private.raise_http_error(integer,text,jsonb)',
    'private.select_credential(jsonb)'
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
    'public.store_credential(jsonb,jsonb) as tenant_scope',
    'public.list_credentials(jsonb,jsonb) as tenant_scope',
    'public.retrieve_credential(jsonb,jsonb) as tenant_scope',
    'public.use_credentials(jsonb,jsonb) as tenant_scope',
    'public.delete_credential(jsonb,jsonb) as tenant_scope',
    'public.list_credential_events(jsonb,jsonb) as tenant_scope',
    'public.list_tenant_credentials(jsonb) as postgres',
    'public.count_tenant_credentials(text) as postgres',
    'public.set_credential_quota(text,integer) as postgres',
    'public.close_tenant(text) as postgres',
    'private.admit_credential() as postgres',
    'private.release_credentials() as postgres',
    'public.purge_tenant_credentials(text) as postgres',
    'public.list_sealed_credentials(jsonb) as postgres',
    'public.reseal_credentials(jsonb,text) as postgres',
    'public.list_events(jsonb) as postgres',
    'public.set_caller_password(text) as postgres',
    'public.read_status() as postgres'
  ],
  'only these functions run as their owner: those of the endpoints as tenant_scope'
);

select * from finish();
rollback;

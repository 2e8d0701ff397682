-- What isolates the tenants: row-level security, its policies, and the role that they apply to.

begin;
create schema if not exists extensions;
create extension if not exists pgtap with schema extensions;
-- Without public, so that every name below includes its schema.
set local search_path = extensions, pg_catalog;

select plan(11);

select is_empty(
  $$
    select oid::regclass from pg_class
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relrowsecurity
  $$,
  'row-level security is on for every table in public'
);

select is_empty(
  $$
    select oid::regclass from pg_class
    where relnamespace in ('public'::regnamespace, 'private'::regnamespace) and relkind in ('v', 'm', 'f')
  $$,
  'there are no views and no foreign tables, which would bypass row-level security'
);

select bag_eq(
  $$
    select format('%s on %I.%I for %s to %s: %s',
      lower(permissive), schemaname, tablename, lower(cmd), array_to_string(roles, ', '), policyname)
    from pg_policies
    where schemaname in ('public', 'private')
  $$,
  array[
    'permissive on public.tenant_credentials for select to tenant_scope: a tenant sees its own credentials',
    'permissive on public.tenant_credentials for insert to tenant_scope: a tenant adds credentials to itself',
    'permissive on public.tenant_credentials for update to tenant_scope: a tenant changes its own credentials',
    'permissive on public.tenant_credentials for delete to tenant_scope: a tenant deletes its own credentials',
    'permissive on public.credential_events for select to tenant_scope: a tenant sees its own credential events',
    'permissive on public.credential_events for insert to tenant_scope: a tenant adds credential events to itself',
    'restrictive on public.tenant_credentials for all to tenant_scope: a key touches the services that it is limited to',
    'restrictive on public.credential_events for select to tenant_scope: a key sees events of the services that it is limited to',
    'restrictive on public.credential_events for insert to tenant_scope: what runs for a tenant records acts of agents and kernels'
  ],
  'tenant_scope has one policy for each granted verb, one for limited keys, one for recorded events, and no others'
);

select is_empty(
  $$
    select tablename, policyname, condition
    from pg_policies, unnest(array[qual, with_check]) as condition
    where schemaname in ('public', 'private')
      and policyname <> 'what runs for a tenant records acts of agents and kernels'
      and condition <> case permissive
        when 'PERMISSIVE' then '(tenant_id = NULLIF(( SELECT current_setting(''app.tenant_id''::text, true) AS current_setting), ''''::text))'
        else E'COALESCE((( SELECT (NULLIF(known.setting, \'\'::text))::text[] AS "nullif"\n'
          '   FROM ( SELECT current_setting(''app.services''::text, true) AS setting) known) @> ARRAY[service]), true)'
      end
  $$,
  'every policy checks what the transaction has entered, except those for the form of events'
);

select bag_eq(
  $$ select with_check from pg_policies where policyname = 'what runs for a tenant records acts of agents and kernels' $$,
  array[
    '((tenant_id ~ ''^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$''::text) AND (action = ANY (ARRAY[''store''::text, ''replace''::text, ''retrieve''::text, ''use''::text, ''delete''::text])) AND '
    '((action = ''use''::text) = (executor_id IS NOT NULL)) AND ((action = ''use''::text) = (server_id IS NOT NULL)) AND '
    '(actor_kind = ANY (ARRAY[''agent''::text, ''kernel''::text])) AND (actor_id IS NOT NULL) AND '
    '((request_id IS NULL) OR ((char_length(request_id) <= 128) AND (request_id ~ ''^[A-Za-z0-9_.:-]+$''::text))))'
  ],
  'recorded events name an agent or a kernel, and a well-formed request id'
);

select results_eq(
  $$
    select rolcanlogin, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication
    from pg_roles where rolname = 'tenant_scope'
  $$,
  $$ values (false, false, false, false, false, false) $$,
  'tenant_scope cannot log in, is not a superuser, and cannot bypass policies'
);

select is_empty(
  $$ select oid::regclass from pg_class where relowner = 'tenant_scope'::regrole $$,
  'tenant_scope owns no table'
);

select bag_eq(
  $$ select oid::regprocedure::text from pg_proc where proowner = 'tenant_scope'::regrole $$,
  array[
    'public.store_credential(jsonb,jsonb)',
    'public.list_credentials(jsonb,jsonb)',
    'public.retrieve_credential(jsonb,jsonb)',
    'public.use_credentials(jsonb,jsonb)',
    'public.delete_credential(jsonb,jsonb)',
    'public.list_credential_events(jsonb,jsonb)'
  ],
  'tenant_scope owns only the functions of the endpoints'
);

select is_empty(
  $$ select roleid::regrole from pg_auth_members where member = 'tenant_scope'::regrole $$,
  'tenant_scope is not a member of any role'
);

select bag_eq(
  $$ select distinct member::regrole::text from pg_auth_members where roleid = 'tenant_scope'::regrole $$,
  array['postgres'],
  'only postgres is a member of tenant_scope'
);

select bag_eq(
  $$
    select pg_get_triggerdef(oid) || ' ' || tgenabled::text
    from pg_trigger
    where not tgisinternal and tgrelid = 'public.credential_events'::regclass
  $$,
  array[
    'CREATE TRIGGER keep_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.credential_events '
    'FOR EACH STATEMENT EXECUTE FUNCTION private.refuse_change() O'
  ],
  'events are append-only for every role'
);

select * from finish();
rollback;

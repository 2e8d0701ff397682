-- What isolates the tenants: row-level security, its policies, and the role that they apply to.

begin;
create schema if not exists extensions;
create extension if not exists pgtap with schema extensions;
-- Without public, so that every name below includes its schema.
set local search_path = extensions, pg_catalog;

select plan(12);

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
    'permissive on public.tenant_mcp_servers for select to tenant_scope: a tenant sees its own servers',
    'permissive on public.tenant_mcp_servers for insert to tenant_scope: a tenant adds servers to itself',
    'permissive on public.tenant_mcp_servers for update to tenant_scope: a tenant changes its own servers',
    'permissive on public.tenant_mcp_servers for delete to tenant_scope: a tenant deletes its own servers',
    'permissive on public.tenant_server_revisions for select to tenant_scope: a tenant sees its own revision',
    'permissive on public.tenant_server_revisions for insert to tenant_scope: a tenant begins its own revision',
    'permissive on public.tenant_server_revisions for update to tenant_scope: a tenant moves its own revision',
    'permissive on public.mcp_server_events for select to tenant_scope: a tenant sees its own server events',
    'permissive on public.mcp_server_events for insert to tenant_scope: a tenant adds server events to itself',
    'permissive on public.mcp_server_events for update to tenant_scope: a tenant ends its own calls',
    'restrictive on public.mcp_server_events for insert to tenant_scope: what runs for a tenant records acts of agents and kernels',
    'restrictive on public.mcp_server_events for update to tenant_scope: a call ends once, with an outcome'
  ],
  'tenant_scope has one policy for each granted verb, one for the ends of calls, one for recorded events, and no others'
);

select is_empty(
  $$
    select tablename, policyname, condition
    from pg_policies, unnest(array[qual, with_check]) as condition
    where schemaname in ('public', 'private')
      and policyname not in (
        'what runs for a tenant records acts of agents and kernels', 'a call ends once, with an outcome'
      )
      and condition <> '(tenant_id = (NULLIF(( SELECT current_setting(''app.tenant_id''::text, true) AS current_setting), ''''::text))::uuid)'
  $$,
  'every policy checks what the transaction has entered, except those for the form of events'
);

select bag_eq(
  $$ select with_check from pg_policies where policyname = 'what runs for a tenant records acts of agents and kernels' $$,
  array[
    '((action = ANY (ARRAY[''register''::text, ''update''::text, ''delete''::text, ''call''::text])) AND '
    '((changed_fields IS NULL) = (action <> ''update''::text)) AND ((tool IS NULL) = (action <> ''call''::text)) AND '
    '((method IS NULL) = (action <> ''call''::text)) AND ((method IS NULL) OR '
    '((method = ANY (ARRAY[''tools/call''::text, ''prompts/get''::text])) AND (char_length(tool) <= 256)) OR '
    '((method = ANY (ARRAY[''resources/read''::text, ''completion/complete''::text])) AND (char_length(tool) <= 2048))) AND '
    '(milliseconds IS NULL) AND (outcome IS NULL) AND '
    '(actor_kind = ANY (ARRAY[''agent''::text, ''kernel''::text])) AND (actor_id IS NOT NULL) AND '
    '((request_id IS NULL) OR ((char_length(request_id) <= 128) AND (request_id ~ ''^[A-Za-z0-9_.:-]+$''::text))))'
  ],
  'recorded events name an agent or a kernel, and a well-formed request id'
);

select bag_eq(
  $$
    select condition from pg_policies, unnest(array[qual, with_check]) as condition
    where policyname = 'a call ends once, with an outcome'
  $$,
  array[
    '((action = ''call''::text) AND (outcome IS NULL))',
    '((milliseconds >= 0) AND (outcome ~ ''^[a-z_]+$''::text) AND (char_length(outcome) <= 40))'
  ],
  'only a call without an outcome gets one'
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
    'public.register_mcp_server(jsonb,jsonb)',
    'public.list_mcp_servers(jsonb,jsonb)',
    'public.update_mcp_server(jsonb,text,jsonb,integer)',
    'public.delete_mcp_server(jsonb,text,integer)',
    'public.list_mcp_server_events(jsonb,jsonb)',
    'public.authorize_tool(jsonb,text)',
    'public.authorize_call(jsonb,text,text)',
    'public.list_callable_servers(jsonb,jsonb)',
    'public.flush_events()',
    'public.end_call(jsonb,jsonb)'
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
    where not tgisinternal and tgrelid = 'public.mcp_server_events'::regclass
  $$,
  array[
    'CREATE TRIGGER keep_append_only BEFORE DELETE OR TRUNCATE ON public.mcp_server_events '
    'FOR EACH STATEMENT EXECUTE FUNCTION private.refuse_change() O',
    'CREATE TRIGGER keep_unchanged BEFORE UPDATE ON public.mcp_server_events FOR EACH ROW '
    'WHEN (((old.action <> ''call''::text) OR (old.outcome IS NOT NULL) OR (new.outcome IS NULL) OR '
    '(((to_jsonb(new.*) - ''milliseconds''::text) - ''outcome''::text) <> '
    '((to_jsonb(old.*) - ''milliseconds''::text) - ''outcome''::text)))) EXECUTE FUNCTION private.refuse_change() O'
  ],
  'events are append-only for every role'
);

select * from finish();
rollback;

-- What an operator does to the vault: list, count and purge. The only functions that cross tenants; no sealed byte leaves by
-- them.

create function public.list_tenant_credentials(filter jsonb) returns jsonb
language sql
-- Definer, like all below: service_role holds no table, and these are its only way to them.
security definer
set search_path = ''
set statement_timeout = '4s'
as $$
  select coalesce(jsonb_agg(to_jsonb(page) order by page.service, page.credential_type), '[]')
  from (
    select
      credential.id, credential.service, credential.credential_type, credential.encryption_key_id,
      credential.created_at, credential.updated_at, credential.last_used_at
    from public.tenant_credentials as credential
    where credential.tenant_id = filter ->> 'tenant_id'
      and (credential.service, credential.credential_type)
        > (coalesce(filter -> 'after' ->> 'service', ''), coalesce(filter -> 'after' ->> 'credential_type', ''))
    order by credential.service, credential.credential_type
    limit 1000
  ) as page
$$;
comment on function public.list_tenant_credentials(jsonb) is
  'Operators: at most 1,000 credentials of a tenant by service and type, without their values: {"tenant_id", "after"?: '
  '{"service", "credential_type"}}, the last of the page before.';

create function public.count_tenant_credentials(tenant_id text) returns jsonb
language sql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
  select jsonb_build_object('credentials', count(*))
  from public.tenant_credentials as credential where credential.tenant_id = count_tenant_credentials.tenant_id
$$;
comment on function public.count_tenant_credentials(text) is
  'Operators: what purge_tenant_credentials would remove: {"credentials"}.';

create function public.purge_tenant_credentials(tenant_id text) returns jsonb
language plpgsql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
declare
  deleted bigint;
begin
  delete from public.tenant_credentials as credential
  where credential.id in (
    select doomed.id from public.tenant_credentials as doomed
    where doomed.tenant_id = purge_tenant_credentials.tenant_id
    order by doomed.service, doomed.credential_type
    limit 1000
  );
  get diagnostics deleted = row_count;
  return jsonb_build_object(
    'credentials', deleted,
    'done', not exists (
      select from public.tenant_credentials as credential
      where credential.tenant_id = purge_tenant_credentials.tenant_id
    )
  );
end
$$;
comment on function public.purge_tenant_credentials(text) is
  'Operators: deletes at most 1,000 of the tenant''s credentials for good. To be called until "done".';

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
    'counts', (select jsonb_build_object('credentials', count(*)) from public.tenant_credentials),
    'encryption_keys', (
      select coalesce(
        jsonb_agg(jsonb_build_object('id', key.id, 'credentials', key.credentials) order by key.credentials desc, key.id), '[]'
      )
      from (
        select credential.encryption_key_id as id, count(*) as credentials
        from public.tenant_credentials as credential
        group by credential.encryption_key_id
      ) as key
    ),
    'tenant_scope', (
      select jsonb_build_object('superuser', role.rolsuper, 'bypassrls', role.rolbypassrls, 'login', role.rolcanlogin)
      from pg_catalog.pg_roles as role where role.rolname = 'tenant_scope'
    ),
    -- Those of the endpoints take a caller, and act for its tenant.
    'unscoped_functions', (
      select coalesce(jsonb_agg(function.proname order by function.proname), '[]')
      from pg_catalog.pg_proc as function
      join pg_catalog.pg_roles as role on role.oid = function.proowner
      where function.pronamespace = 'public'::regnamespace
        and function.proargnames[1] = 'caller'
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
  'Operators: versions of the applied migrations (null when nothing notes them), counts, credentials by encryption key, the '
  'role tenant_scope (null when there is none), what of the tenant functions it does not own, and tables without '
  'row-level security.';

revoke all on function public.list_tenant_credentials(jsonb) from public, anon, authenticated, service_role;
revoke all on function public.count_tenant_credentials(text) from public, anon, authenticated, service_role;
revoke all on function public.purge_tenant_credentials(text) from public, anon, authenticated, service_role;
revoke all on function public.read_status() from public, anon, authenticated, service_role;
grant execute on function public.list_tenant_credentials(jsonb) to service_role;
grant execute on function public.count_tenant_credentials(text) to service_role;
grant execute on function public.purge_tenant_credentials(text) to service_role;
grant execute on function public.read_status() to service_role;

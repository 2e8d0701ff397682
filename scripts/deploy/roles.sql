-- Run this as postgres in a new database, before a restore. A dump creates no roles. It also does not revoke the
-- database's default privileges, which in older Supabase projects grant everyone everything on new objects.
alter default privileges in schema public revoke all on tables from anon, authenticated, service_role;
alter default privileges in schema public revoke all on functions from anon, authenticated, service_role;
alter default privileges in schema public revoke all on sequences from anon, authenticated, service_role;

-- Each project's first migration starts with the same block.
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

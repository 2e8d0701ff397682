-- Run as postgres in a new database, before a restore: a dump carries no roles, and takes back nothing of what the
-- database grants on all that is to come, which in an older Supabase project is everything, to everyone.
alter default privileges in schema public revoke all on tables from anon, authenticated, service_role;
alter default privileges in schema public revoke all on functions from anon, authenticated, service_role;
alter default privileges in schema public revoke all on sequences from anon, authenticated, service_role;

-- The same block heads each project's first migration.
do $$
begin
  if not exists (select from pg_catalog.pg_roles where rolname = 'tenant_scope') then
    create role tenant_scope nologin;
  end if;
  grant tenant_scope to postgres;
end
$$;

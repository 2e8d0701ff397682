-- Run as postgres before a restore: a dump carries no roles. The same block heads each project's first migration.
do $$
begin
  if not exists (select from pg_catalog.pg_roles where rolname = 'tenant_scope') then
    create role tenant_scope nologin;
  end if;
  grant tenant_scope to postgres;
end
$$;

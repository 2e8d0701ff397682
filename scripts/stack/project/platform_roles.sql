-- Creates the roles that a Supabase project has before its first migration, without default privileges for new objects.
create role anon nologin;
create role authenticated nologin;
create role service_role nologin bypassrls;
create role authenticator login noinherit;
grant anon, authenticated, service_role to authenticator;
alter role authenticator set statement_timeout = '4s';
create role postgres login createrole createdb bypassrls replication;
grant anon, authenticated, service_role to postgres;

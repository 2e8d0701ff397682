-- Faster by the same statements: a function in SQL that cannot be inlined is planned anew at each call, one in PL/pgSQL once
-- a session.

create or replace function private.current_tenant_id() returns text
language plpgsql stable
set search_path = ''
as $$
begin
  return nullif(current_setting('app.tenant_id', true), '');
end
$$;

create or replace function private.select_credential(selector jsonb) returns uuid
language plpgsql stable
set search_path = ''
as $$
declare
  wanted_service text := selector ->> 'service';
  wanted_type text := selector ->> 'credential_type';
begin
  if selector ->> 'credential_id' is not null then
    return (selector ->> 'credential_id')::uuid;
  end if;
  return (
    select credential.id from public.tenant_credentials as credential
    where credential.service = wanted_service and credential.credential_type = wanted_type
  );
end
$$;

-- Faster, and the same otherwise: a function in SQL that cannot be inlined is planned anew at each call, one in PL/pgSQL once
-- a session; PostgreSQL reads and prepares each CHECK anew for each statement; and a regular expression with a bound ({0,63})
-- takes ten times as long as one without beside a length.

alter policy "a tenant sees its own credentials" on public.tenant_credentials
  using (tenant_id = nullif((select current_setting('app.tenant_id', true)), ''));
alter policy "a tenant adds credentials to itself" on public.tenant_credentials
  with check (tenant_id = nullif((select current_setting('app.tenant_id', true)), ''));
alter policy "a tenant changes its own credentials" on public.tenant_credentials
  using (tenant_id = nullif((select current_setting('app.tenant_id', true)), ''))
  with check (tenant_id = nullif((select current_setting('app.tenant_id', true)), ''));
alter policy "a tenant deletes its own credentials" on public.tenant_credentials
  using (tenant_id = nullif((select current_setting('app.tenant_id', true)), ''));
drop function private.current_tenant_id();

create function private.is_credential(service text, credential_type text, sealed_bytes integer) returns boolean
language plpgsql immutable
set search_path = ''
as $$
begin
  return char_length(service) <= 64 and service ~ '^[A-Za-z0-9][A-Za-z0-9._:/-]*$'
    and char_length(credential_type) <= 64 and credential_type ~ '^[A-Za-z0-9][A-Za-z0-9._:/-]*$'
    -- 28 bytes of IV and tag around 6 bytes ({"":0}) to 64 KiB of JSON.
    and sealed_bytes between 34 and 65564;
end
$$;
comment on function private.is_credential(text, text, integer) is 'Whether a row of tenant_credentials has the form of one.';
revoke all on function private.is_credential(text, text, integer) from public, anon, authenticated, service_role;
grant execute on function private.is_credential(text, text, integer) to tenant_scope;
alter table public.tenant_credentials
  add constraint credential_form
    check (private.is_credential(service, credential_type, octet_length(encrypted_credentials))),
  drop constraint service_form,
  drop constraint credential_type_form,
  drop constraint encrypted_credentials_size;

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

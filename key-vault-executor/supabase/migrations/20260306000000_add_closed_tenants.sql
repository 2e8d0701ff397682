-- A deleted tenant gets no credential any more: a store that the hub let in before may come after the purge.

create table public.closed_tenants (
  tenant_id text primary key,
  closed_at timestamptz not null default now()
);
comment on table public.closed_tenants is
  'Tenants that were deleted. Their rows are never removed, since a late store must find them.';
alter table public.closed_tenants enable row level security;
revoke all on public.closed_tenants from public, anon, authenticated, service_role;

create function public.close_tenant(tenant_id text) returns jsonb
language plpgsql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
begin
  -- Waits for each store that has created a row and not yet committed, so that the purge after this sees them all.
  perform pg_advisory_xact_lock(hashtextextended('tenant ' || close_tenant.tenant_id, 0));
  insert into public.closed_tenants (tenant_id) values (close_tenant.tenant_id) on conflict do nothing;
  return jsonb_build_object('closed', true);
end
$$;
comment on function public.close_tenant(text) is
  'Operators: from now on the tenant gets no new credential. To be called before purge_tenant_credentials; may be repeated.';
revoke all on function public.close_tenant(text) from public, anon, authenticated, service_role;
grant execute on function public.close_tenant(text) to service_role;

-- After the row: it runs for a new row alone, and not for the update of an upsert. An update cannot bring a purged row back.
-- security definer: tenant_scope holds no grant on closed_tenants.
create function private.refuse_closed_tenant() returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  perform pg_advisory_xact_lock_shared(hashtextextended('tenant ' || new.tenant_id, 0));
  -- A statement of its own, whose snapshot is younger than the lock.
  perform from public.closed_tenants as closed where closed.tenant_id = new.tenant_id;
  if found then
    perform private.refuse(403, 'tenant_not_allowed');
  end if;
  return null;
end
$$;
comment on function private.refuse_closed_tenant() is 'Refuses a new credential of a tenant that was closed (PT403).';
revoke all on function private.refuse_closed_tenant() from public, anon, authenticated, service_role;
create trigger refuse_closed_tenant after insert on public.tenant_credentials
  for each row execute function private.refuse_closed_tenant();

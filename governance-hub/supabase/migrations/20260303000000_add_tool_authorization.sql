-- Which server owns a tool, and whether the caller may have it: the question that a gateway asks at each call of a tool.

create function private.find_tool_owner(tool text) returns uuid
language plpgsql stable
-- Definer: under row-level security the planner may not look lower(tool_prefix) up in its index, and would read the
-- tenant's every server. It looks in the entered tenant alone; and only an id comes out, which the caller has to read under
-- row-level security again.
security definer
set search_path = ''
as $$
declare
  -- A prefix has at most 64 characters.
  segments text[] := string_to_array(lower(left(tool, 64) collate "C"), '.');
  prefixes text[];
begin
  select array_agg(array_to_string(segments[1:depth], '.') || '.') into prefixes
  from generate_series(1, cardinality(segments) - 1) as depth;

  return (
    select server.id
    from public.tenant_mcp_servers as server
    where server.tenant_id = private.current_tenant_id()
      and lower(server.tool_prefix collate "C") = any (prefixes)
    limit 1
  );
end
$$;
comment on function private.find_tool_owner(text) is
  'The server of the entered tenant whose prefix begins the tool''s name, or null. Prefixes do not overlap: there is one at '
  'most.';
revoke all on function private.find_tool_owner(text) from public, anon, authenticated, service_role;
grant execute on function private.find_tool_owner(text) to tenant_scope;

create function public.authorize_tool(caller jsonb, tool text) returns jsonb
language plpgsql security definer
set search_path = ''
set statement_timeout = '4s'
as $$
declare
  actor jsonb := private.enter_tenant(caller, null);
  owner public.tenant_mcp_servers;
  own_name text;
  reason text;
begin
  if not actor -> 'scopes' ? 'servers:read' then
    reason := 'insufficient_scope';
  elsif tool is null then
    reason := 'no_tool';
  else
    select server.* into owner
    from public.tenant_mcp_servers as server
    where server.id = private.find_tool_owner(tool);
    own_name := substr(tool, char_length(owner.tool_prefix) + 1);
    reason := case
      when owner.id is null or own_name = '' then 'no_server'
      when not owner.enabled then 'server_disabled'
    end;
  end if;
  if reason is not null then
    return jsonb_build_object('caller', actor, 'data', jsonb_build_object('allowed', false, 'reason', reason));
  end if;
  return jsonb_build_object('caller', actor, 'data', jsonb_build_object(
    'allowed', true, 'tool', own_name, 'server', to_jsonb(owner) - 'tenant_id'
  ));
end
$$;
comment on function public.authorize_tool(jsonb, text) is
  'Whether the caller may call the tool: the enabled server that owns it, and its name there; or the reason why not: '
  'insufficient_scope (servers:read), no_tool, no_server, server_disabled. With a null tool it tells who calls. Raises PT401, '
  'PT403.';
revoke all on function public.authorize_tool(jsonb, text) from public, anon, authenticated, service_role;
grant execute on function public.authorize_tool(jsonb, text) to service_role;

-- A new owner needs create on the schema for the moment of the change.
grant create on schema public to tenant_scope;
alter function public.authorize_tool(jsonb, text) owner to tenant_scope;
revoke create on schema public from tenant_scope;

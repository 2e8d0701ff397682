/** What kernels may do for the tenants of their organization, and the end of what the demo has made. */

import { type Cast, type DemoStep, NEW, ok, selector, success } from "./cast.ts";

export function organizationSteps(cast: Cast): DemoStep[] {
  return [...kernels(cast), ...ending(cast)];
}

function kernels({ kernel, stranger, names, tenantId: tenant_id, server }: Cast): DemoStep[] {
  return [
    {
      sentence: `A kernel of ${names.acme} lists the tenant's servers.`,
      project: "hub",
      request: `mcp-servers/list?tenant_id=${tenant_id}`,
      ...kernel,
      status: 200,
      expected: ok({ servers: [{ server_id: server.server_id }], count: 1 }),
    },
    {
      sentence: "It retrieves the value of the tenant's credential: its key has the scope credentials:reveal.",
      project: "vault",
      request: "credentials/retrieve",
      ...kernel,
      body: { ...selector, tenant_id },
      status: 200,
      expected: success({ credentials: NEW }),
    },
    {
      sentence: `A kernel of ${names.globex} cannot list the tenant's servers.`,
      project: "hub",
      request: `mcp-servers/list?tenant_id=${tenant_id}`,
      ...stranger,
      status: 403,
      expected: { ok: false, error: { code: "tenant_not_allowed" } },
    },
    {
      sentence: "It cannot retrieve the tenant's credential either.",
      project: "vault",
      request: "credentials/retrieve",
      ...stranger,
      body: { ...selector, tenant_id },
      status: 403,
      expected: { ok: false, status: "error", error: { code: "tenant_not_allowed" } },
    },
  ];
}

function ending({ agent, kernel, tenantId: tenant_id, server: { server_id } }: Cast): DemoStep[] {
  return [
    {
      sentence: "The agent deletes the credential.",
      project: "vault",
      request: "credentials/delete",
      ...agent,
      body: selector,
      status: 200,
      expected: success({ deleted: true }),
    },
    {
      sentence: "The kernel deletes the server.",
      project: "hub",
      request: "mcp-servers/delete",
      ...kernel,
      body: { server_id, tenant_id },
      status: 200,
      expected: ok({ server_id, deleted: true }),
    },
    {
      sentence: "The tenant has no servers left …",
      project: "hub",
      request: "mcp-servers/list",
      ...agent,
      status: 200,
      expected: ok({ servers: [], count: 0 }),
    },
    {
      sentence: "… and no credentials.",
      project: "vault",
      request: "credentials/list",
      ...agent,
      status: 200,
      expected: success({ credentials: [], count: 0 }),
    },
  ];
}

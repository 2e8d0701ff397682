/** The steps of `deno task demo`: the specification's whole flow, with the specified answer for each request. */

import { CliError } from "../cli/error.ts";
import type { StackFile } from "../stack/stack_file.ts";

export interface DemoStep {
  /** Describes the step to the reader. */
  sentence: string;
  project: "hub" | "vault";
  request: string;
  key: string;
  body?: Record<string, unknown>;
  status: number;
  /** The members that the answer must have. */
  expected: Record<string, unknown>;
}

const SERVER = {
  server_id: "my-amazon-server",
  name: "My Amazon MCP Server",
  command: "node",
  args: ["@mycompany/amazon-mcp-server"],
  tool_prefix: "amazon.",
};
const CREDENTIALS = { api_key: "AKIAIOSFODNN7EXAMPLE", secret_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" };

export function stepsFor(file: StackFile): DemoStep[] {
  const [acme, globex] = file.organizations;
  const [shop] = acme?.tenants ?? [];
  if (!acme || !globex || !shop) throw new CliError("the stack is not seeded");
  const agent = { key: shop.api_key };
  const kernel = { key: acme.kernel_key };
  const tenant_id = shop.id;
  const ok = (data: unknown) => ({ ok: true, data });
  const success = (data: unknown) => ({ ok: true, status: "success", data });
  const selector = { service: "amazon", credential_type: "api_key" };
  return [
    {
      sentence: `An agent of ${shop.name} registers an MCP server.`,
      project: "hub",
      request: "mcp-servers/register",
      ...agent,
      body: SERVER,
      status: 201,
      expected: ok({ ...SERVER, enabled: true }),
    },
    {
      sentence: "It lists the servers of its tenant.",
      project: "hub",
      request: "mcp-servers/list",
      ...agent,
      status: 200,
      expected: ok({ servers: [{ ...SERVER, enabled: true }], count: 1 }),
    },
    {
      sentence: "The hub refuses a second server whose tool prefix overlaps with the first one's.",
      project: "hub",
      request: "mcp-servers/register",
      ...agent,
      body: { ...SERVER, server_id: "other", tool_prefix: "amazon.order." },
      status: 409,
      expected: { ok: false, error: { code: "tool_prefix_taken" } },
    },
    {
      sentence: "A gateway uses the agent's key to ask which server owns a tool.",
      project: "hub",
      request: "authorize",
      ...agent,
      body: { tool: "amazon.order" },
      status: 200,
      expected: ok({ allowed: true, tool: "order", server: { server_id: SERVER.server_id }, tenant_id }),
    },
    {
      sentence: "The agent renames its server and disables it.",
      project: "hub",
      request: "mcp-servers/update",
      ...agent,
      body: { server_id: SERVER.server_id, name: "Updated Name", enabled: false },
      status: 200,
      expected: ok({ ...SERVER, name: "Updated Name", enabled: false }),
    },
    {
      sentence: "The list of enabled servers no longer includes it.",
      project: "hub",
      request: "mcp-servers/list?enabled_only=true",
      ...agent,
      status: 200,
      expected: ok({ servers: [], count: 0 }),
    },
    {
      sentence: "The agent stores a credential for an outside service.",
      project: "vault",
      request: "credentials/store",
      ...agent,
      body: { service: "amazon", credentials: CREDENTIALS, credential_type: "api_key" },
      status: 201,
      expected: success(selector),
    },
    {
      sentence: "It lists its credentials, without their values.",
      project: "vault",
      request: "credentials/list?service=amazon",
      ...agent,
      status: 200,
      expected: success({ credentials: [{ ...selector, last_used_at: null }], count: 1 }),
    },
    {
      sentence: "It retrieves the decrypted credential.",
      project: "vault",
      request: "credentials/retrieve",
      ...agent,
      body: selector,
      status: 200,
      expected: success({ ...selector, credentials: CREDENTIALS }),
    },
    {
      sentence: "It replaces the credential with a new one.",
      project: "vault",
      request: "credentials/store",
      ...agent,
      body: { service: "amazon", credentials: { api_key: "AKIAI44QH8DHBEXAMPLE" } },
      status: 200,
      expected: success(selector),
    },
    {
      sentence: `A kernel of ${acme.name} lists the tenant's servers.`,
      project: "hub",
      request: `mcp-servers/list?tenant_id=${tenant_id}`,
      ...kernel,
      status: 200,
      expected: ok({ servers: [{ server_id: SERVER.server_id }], count: 1 }),
    },
    {
      sentence: "It retrieves the new value of the tenant's credential.",
      project: "vault",
      request: "credentials/retrieve",
      ...kernel,
      body: { ...selector, tenant_id },
      status: 200,
      expected: success({ credentials: { api_key: "AKIAI44QH8DHBEXAMPLE" } }),
    },
    {
      sentence: `A kernel of ${globex.name} cannot list the tenant's servers.`,
      project: "hub",
      request: `mcp-servers/list?tenant_id=${tenant_id}`,
      key: globex.kernel_key,
      status: 403,
      expected: { ok: false, error: { code: "tenant_not_allowed" } },
    },
    {
      sentence: "It cannot retrieve the tenant's credential either.",
      project: "vault",
      request: "credentials/retrieve",
      key: globex.kernel_key,
      body: { ...selector, tenant_id },
      status: 403,
      expected: { ok: false, status: "error", error: { code: "tenant_not_allowed" } },
    },
    {
      sentence: "The agent sees who did what to its credentials.",
      project: "vault",
      request: "credentials/events",
      ...agent,
      status: 200,
      expected: success({
        events: [
          { action: "retrieve", actor_kind: "kernel" },
          { action: "replace", actor_kind: "agent" },
          { action: "retrieve", actor_kind: "agent" },
          { action: "store", actor_kind: "agent" },
        ],
        count: 4,
      }),
    },
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
      body: { server_id: SERVER.server_id, tenant_id },
      status: 200,
      expected: ok({ server_id: SERVER.server_id, deleted: true }),
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

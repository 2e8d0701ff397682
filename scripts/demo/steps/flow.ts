/** The specification's flow, as the agent sees it: it registers a server, stores its credential, and calls its tools. */

import { type Cast, type DemoStep, NEW, ok, OLD, selector, success } from "./cast.ts";

export function flowOf(cast: Cast): DemoStep[] {
  return [...registration(cast), ...calls(cast), ...rotation(cast), ...disabling(cast)];
}

function registration({ agent, server, names }: Cast): DemoStep[] {
  return [
    {
      sentence: `An agent of ${names.shop} registers an MCP server.`,
      project: "hub",
      request: "mcp-servers/register",
      ...agent,
      body: server,
      status: 201,
      expected: ok({ ...server, enabled: true }),
    },
    {
      sentence: "The hub refuses a second server whose tool prefix overlaps with the first one's.",
      project: "hub",
      request: "mcp-servers/register",
      ...agent,
      body: { ...server, server_id: "other", tool_prefix: "amazon.order." },
      status: 409,
      expected: { ok: false, error: { code: "tool_prefix_taken" } },
    },
    {
      sentence: "The agent stores its credential for Amazon.",
      project: "vault",
      request: "credentials/store",
      ...agent,
      body: { service: "amazon", credentials: OLD, credential_type: "api_key" },
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
  ];
}

function calls({ agent, amazon, tenantId, server }: Cast): DemoStep[] {
  const order = toolCall("order", { product: "a book" });
  return [
    {
      sentence: "A gateway of one's own would ask which server owns a tool.",
      project: "hub",
      request: "authorize",
      ...agent,
      body: { tool: "amazon.order" },
      status: 200,
      expected: ok({ allowed: true, tool: "order", server: { server_id: server.server_id }, tenant_id: tenantId }),
    },
    {
      sentence:
        "The agent calls amazon.order. The Executor starts the server with the credential, and Amazon checks it.",
      project: "hub",
      request: "mcp",
      ...agent,
      body: order,
      before: () => amazon.expect(OLD.api_key),
      status: 200,
      expected: textOf("order 1: a book, paid with the key [redacted AMAZON_API_KEY]"),
    },
    {
      sentence: "The server crashes during a call. The call fails at once, and nobody repeats it.",
      project: "hub",
      request: "mcp",
      ...agent,
      body: toolCall("crash"),
      status: 200,
      expected: { result: { isError: true, _meta: { "key-vault-executor/error": "server_ended" } } },
    },
    {
      sentence: "It is back after a pause.",
      project: "hub",
      request: "mcp",
      ...agent,
      body: order,
      isRepeated: true,
      status: 200,
      expected: textOf("order 2: a book, paid with the key [redacted AMAZON_API_KEY]"),
    },
  ];
}

function rotation({ agent, amazon }: Cast): DemoStep[] {
  return [
    {
      sentence: "Amazon has a new key for the agent, which replaces its credential.",
      project: "vault",
      request: "credentials/store",
      ...agent,
      body: { service: "amazon", credentials: NEW },
      before: () => amazon.expect(NEW.api_key),
      status: 200,
      expected: success(selector),
    },
    {
      sentence: "Calls use the new one.",
      project: "hub",
      request: "mcp",
      ...agent,
      body: toolCall("order", { product: "a lamp" }),
      isRepeated: true,
      status: 200,
      expected: textOf("order 3: a lamp, paid with the key [redacted AMAZON_API_KEY]"),
    },
    {
      sentence: "The agent sees that its credential was used …",
      project: "vault",
      request: "credentials/events?action=use&limit=1",
      ...agent,
      status: 200,
      expected: success({ events: [{ action: "use", service: "amazon" }] }),
    },
    {
      sentence: "… and that nobody has read it.",
      project: "vault",
      request: "credentials/events?action=retrieve",
      ...agent,
      status: 200,
      expected: success({ events: [], count: 0 }),
    },
  ];
}

function disabling({ agent, server }: Cast): DemoStep[] {
  return [
    {
      sentence: "The agent renames its server and disables it.",
      project: "hub",
      request: "mcp-servers/update",
      ...agent,
      body: { server_id: server.server_id, name: "Updated Name", enabled: false },
      status: 200,
      expected: ok({ ...server, name: "Updated Name", enabled: false }),
    },
    {
      sentence: "The list of enabled servers no longer includes it …",
      project: "hub",
      request: "mcp-servers/list?enabled_only=true",
      ...agent,
      status: 200,
      expected: ok({ servers: [], count: 0 }),
    },
    {
      sentence: "… and its tools cannot be called.",
      project: "hub",
      request: "mcp",
      ...agent,
      body: toolCall("order", { product: "a chair" }),
      status: 200,
      expected: { error: { data: { code: "server_disabled" } } },
    },
  ];
}

function toolCall(tool: string, args: Record<string, unknown> = {}): Record<string, unknown> {
  return { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: `amazon.${tool}`, arguments: args } };
}

function textOf(text: string): Record<string, unknown> {
  return { result: { content: [{ type: "text", text }] } };
}

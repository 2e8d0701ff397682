/** What tests of the gateway do for a tenant. */

import { assertEquals } from "@std/assert";
import { Client, StreamableHTTPClientTransport, type VersionNegotiationMode } from "@modelcontextprotocol/client";
import { get, post, type Tenant } from "./client.ts";
import type { TestGateway } from "./gateway.ts";

const HUB = "governance-hub";

/** A server that the Executors of tests can start: their fixture, which has many tools. */
export const SHOP = {
  server_id: "shop",
  name: "Shop",
  command: "node",
  args: ["misbehave.mjs"],
  tool_prefix: "amazon.",
};

export async function register(tenant: Pick<Tenant, "agent">, changes: Record<string, unknown> = {}): Promise<void> {
  const { status, text } = await post(HUB, "mcp-servers/register", tenant.agent, { ...SHOP, ...changes });
  assertEquals(status, 201, text);
}

export async function update(tenant: Pick<Tenant, "agent">, changes: Record<string, unknown>): Promise<void> {
  const { status, text } = await post(HUB, "mcp-servers/update", tenant.agent, { server_id: "shop", ...changes });
  assertEquals(status, 200, text);
}

/** The tenant's events of calls, the oldest first. */
export async function callEvents(tenant: Pick<Tenant, "agent">): Promise<Record<string, unknown>[]> {
  const { body } = await get(HUB, "mcp-servers/events?action=call", tenant.agent);
  return body.data.events.reverse();
}

export async function connect(gateway: TestGateway, key: string, mode: VersionNegotiationMode): Promise<Client> {
  const transport = new StreamableHTTPClientTransport(new URL(`${gateway.url}/mcp`), {
    requestInit: { headers: { "x-api-key": key } },
  });
  const client = new Client({ name: "test", version: "1" }, { versionNegotiation: { mode } });
  await client.connect(transport);
  return client;
}

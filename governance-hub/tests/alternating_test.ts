import { assertEquals } from "@std/assert";
import { get, newTenant, post } from "../../scripts/test/support/client.ts";
import { newServer } from "../../scripts/test/support/endpoints.ts";

const CALLS = 400;

Deno.test(`${CALLS} calls that alternate between two tenants each see their own tenant only`, async () => {
  const tenants = [await newTenant(), await newTenant()];
  const ids: string[] = [];
  for (const { agent } of tenants) {
    const server = newServer();
    ids.push(String(server.server_id));
    await post("governance-hub", "mcp-servers/register", agent, server);
  }
  // One after the other, so that a pool hands them the same connection in turn.
  for (let turn = 0; turn < CALLS; turn++) {
    const { status, body } = await get("governance-hub", "mcp-servers/list", tenants[turn % 2]?.agent ?? "");
    const seen = body.data?.servers.map(({ server_id }: { server_id: string }) => server_id);
    assertEquals([status, seen], [200, [ids[turn % 2]]], `call ${turn}`);
  }
});

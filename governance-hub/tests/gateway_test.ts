import { assert, assertEquals, assertMatch } from "@std/assert";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { until } from "key-vault-executor/executor/testing/make.ts";
import { sendLegacy, sendModern, startGateway, type TestGateway } from "../../scripts/test/support/gateway.ts";
import { get, newTenant, post, type Tenant } from "../../scripts/test/support/client.ts";

const HUB = "governance-hub";
const SERVER = { server_id: "shop", name: "Shop", command: "node", args: ["misbehave.mjs"], tool_prefix: "amazon." };

async function register(tenant: Tenant, server: Record<string, unknown> = SERVER): Promise<void> {
  assertEquals((await post(HUB, "mcp-servers/register", tenant.agent, server)).status, 201);
}

async function connect(gateway: TestGateway, key: string, mode: "legacy" | "auto" | { pin: string }): Promise<Client> {
  const transport = new StreamableHTTPClientTransport(new URL(`${gateway.url}/mcp`), {
    requestInit: { headers: { "x-api-key": key } },
  });
  const client = new Client({ name: "test", version: "1" }, { versionNegotiation: { mode } });
  await client.connect(transport);
  return client;
}

Deno.test("an agent registers a server, lists its tools and calls one, with clients of every revision", async () => {
  await using gateway = await startGateway();
  const tenant = await newTenant();
  for (const mode of ["legacy", "auto", { pin: "2026-07-28" }] as const) {
    const client = await connect(gateway, tenant.agent, mode);
    assertEquals((await client.listTools()).tools.filter(({ name }) => !name.startsWith("hub.")), []);
    await register(tenant);
    const { tools } = await client.listTools();
    assert(tools.some(({ name }) => name === "amazon.echo"));
    const { content } = await client.callTool({ name: "amazon.echo", arguments: { value: "hello" } });
    assertEquals(content, [{ type: "text", text: "hello" }]);
    await post(HUB, "mcp-servers/delete", tenant.agent, { server_id: "shop" });
    await client.close();
  }
});

Deno.test("each call is an event with how it ended, and without its argument and its result", async () => {
  await using gateway = await startGateway();
  const tenant = await newTenant();
  await register(tenant);
  const send = { key: tenant.agent, headers: { "x-request-id": "trace-call" } };
  const call = (tool: string) => ({ name: `amazon.${tool}`, arguments: { value: "argument-of-the-call" } });
  for (const sendAs of [sendModern, sendLegacy]) {
    assertEquals((await sendAs(gateway, "tools/call", call("echo"), send)).body.result.isError, undefined);
  }
  assertMatch(JSON.stringify((await sendLegacy(gateway, "tools/call", call("fail"), send)).body), /cannot use/);
  assertMatch(JSON.stringify((await sendModern(gateway, "tools/call", call("die"), send)).body), /server ended/);
  let events: Record<string, unknown>[] = [];
  await until(async () => {
    events = (await get(HUB, "mcp-servers/events?action=call", tenant.agent)).body.data.events;
    return events.length === 4 && events.every(({ outcome }) => outcome !== null);
  });
  assertEquals(events.map(({ tool, outcome }) => [tool, outcome]).reverse(), [
    ["amazon.echo", "ok"],
    ["amazon.echo", "ok"],
    ["amazon.fail", "error"],
    ["amazon.die", "server_ended"],
  ]);
  for (const event of events) {
    assertEquals([event.server_id, event.version, event.request_id], ["shop", 1, "trace-call"]);
    assert(Number.isInteger(event.milliseconds));
  }
  const text = JSON.stringify([events, gateway.log()]);
  assertEquals(text.includes("argument-of-the-call"), false);
});

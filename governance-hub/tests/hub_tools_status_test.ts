import { assert, assertEquals, assertMatch } from "@std/assert";
import { callHubTool } from "../../scripts/test/support/hub_tools.ts";
import { newTenant, post } from "../../scripts/test/support/client.ts";
import { sendModern, startGateway } from "../../scripts/test/support/gateway.ts";

const HUB = "governance-hub";
const SERVER = { server_id: "s", name: "S", command: "node", args: ["misbehave.mjs"], tool_prefix: "amazon." };

Deno.test("hub.server_status shows how the tenant's own servers run, and nothing that they print", async () => {
  await using gateway = await startGateway({ executors: 2 });
  const [tenant, other] = [await newTenant(), await newTenant()];
  const status = async (args = {}) =>
    (await callHubTool(gateway, tenant.agent, "hub.server_status", args)).structuredContent;
  for (const { agent: key } of [tenant, other]) {
    await post(HUB, "mcp-servers/register", key, SERVER);
    if (key === tenant.agent) assertEquals((await status()).servers[0].processes, []);
    for (const name of ["amazon.stderr", "amazon.die"]) {
      await sendModern(gateway, "tools/call", { name, arguments: { name: "AMAZON_API_KEY" } }, { key });
    }
  }
  await post(HUB, "mcp-servers/update", tenant.agent, { server_id: "s", name: "T" });

  const told = await status({ server_id: "s" });
  const { servers: [{ processes: [{ since, last_exit, last_error, ...process }, ...more], ...server }], executors } =
    told;
  assertEquals(server, { server_id: "s", version: 2, enabled: true, tool_prefix: "amazon." });
  assertEquals(process, { version: 1, state: "backoff", restarts: 0, calls: 2, calls_in_flight: 0 });
  assertEquals([last_exit.code, last_exit.signal, typeof last_exit.at, typeof since], [3, null, "string", "string"]);
  assertMatch(last_error, /the server ended during the call/);
  assertEquals([more, executors], [[], { asked: 2, answered: 2 }]);
  assert(!JSON.stringify(told).includes("redacted AMAZON_API_KEY"), "what the server printed is for operators");
  assertEquals((await status({ server_id: "t" })).error.code, "not_found");

  const idle = gateway.executors.findIndex(({ supervisor }) => supervisor.slots(tenant.id).length === 0);
  for (const lost of gateway.executors.splice(idle, 1)) await lost[Symbol.asyncDispose]();
  const { servers, executors: left } = await status();
  assertEquals([servers[0].processes[0].calls, left], [2, { asked: 2, answered: 1 }]);
  await post(HUB, "mcp-servers/delete", tenant.agent, { server_id: "s" });
  assertEquals((await status()).servers, []);
});

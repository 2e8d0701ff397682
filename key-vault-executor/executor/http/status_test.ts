import { assertEquals, assertMatch } from "@std/assert";
import { serverOf } from "../testing/make.ts";
import { callTool, startExecutor } from "../testing/executor.ts";

const OTHER_TENANT = "55555555-5555-4555-8555-555555555555";

Deno.test("GET /status tells of the decision's tenant only, redacted, and wants a decision", async () => {
  await using executor = await startExecutor();
  const server = serverOf({ args: ["misbehave.mjs"], tool_prefix: "amazon." });
  for (const tool of ["amazon.stderr", "amazon.die"]) {
    const client = await executor.connect({ server, tool });
    await callTool(client, tool, { name: "AMAZON_API_KEY" });
    await client.close();
  }
  const read = async (tenant_id?: string) => {
    const token = executor.hub.sign(tenant_id === undefined ? {} : { tenant_id }, "");
    const response = await fetch(`${executor.url}/status`, { headers: { authorization: `Bearer ${token}` } });
    return (await response.json()).data.servers;
  };
  const [status, ...rest] = await read();
  assertEquals(rest, []);
  const { since, last_exit, last_error, ...exact } = status;
  assertEquals(exact, {
    id: server.id,
    server_id: "test-server",
    version: 1,
    state: "backoff",
    restarts: 0,
    calls: 2,
    calls_in_flight: 0,
    garbage_lines: 0,
    error_output: ["using [redacted AMAZON_API_KEY]"],
  });
  assertEquals([typeof since, last_exit.code, last_exit.signal], ["string", 3, null]);
  assertMatch(last_error, /the server ended during the call/);
  assertEquals(await read(OTHER_TENANT), []);
  assertEquals((await (await fetch(`${executor.url}/status`)).json()).error.code, -32600);
});

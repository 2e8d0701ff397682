import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { setServerQuota } from "../../scripts/admin/client/hub.ts";
import { issueApiKey } from "../../scripts/admin/client/operator.ts";
import { assertRefused, get, newTenant, post, RFC3339, stack, UUID } from "../../scripts/test/support/client.ts";
import { newServer } from "../../scripts/test/support/endpoints.ts";

const HUB = "governance-hub";
const EXAMPLE = {
  server_id: "my-amazon-server",
  name: "My Amazon MCP Server",
  command: "node",
  args: ["@mycompany/amazon-mcp-server"],
  tool_prefix: "amazon.",
};

for (const path of ["mcp-servers/register", "mcp-servers-register"]) {
  Deno.test(`POST /${path} answers 201 with the server, as the specification shows it`, async () => {
    const { agent } = await newTenant();
    const reply = await post(HUB, path, agent, EXAMPLE);
    const { id, created_at, updated_at, ...rest } = reply.body.data;
    assertEquals([reply.status, reply.body.ok, rest], [201, true, { ...EXAMPLE, enabled: true, version: 1 }]);
    assertMatch(id, UUID);
    assertMatch(created_at, RFC3339);
    assertEquals(updated_at, created_at);
    assertEquals((await get(HUB, "mcp-servers/list", agent)).body.data.servers, [reply.body.data]);
  });

  Deno.test(`POST /${path} keeps enabled: false and all permitted characters`, async () => {
    const { agent } = await newTenant();
    const odd = {
      ...newServer(),
      name: "Ünï \u{1f511} 'x' \"y\" \\ {z}",
      args: ["", "a,b", "{", '"', "\\", "NULL", " "].slice(1),
      enabled: false,
    };
    const { data } = (await post(HUB, path, agent, odd)).body;
    assertEquals([data.name, data.args, data.enabled], [odd.name, odd.args, false]);
  });

  Deno.test(`POST /${path} answers 409 to a server_id of this tenant, but not to one of another tenant`, async () => {
    const { agent } = await newTenant();
    const other = await newTenant();
    assertEquals((await post(HUB, path, agent, EXAMPLE)).status, 201);
    assertRefused(await post(HUB, path, agent, { ...EXAMPLE, tool_prefix: "b." }), 409, "server_id_taken");
    assertEquals((await post(HUB, path, other.agent, EXAMPLE)).status, 201);
  });

  Deno.test(`POST /${path} answers 409 to a prefix that overlaps another, and names the holder`, async () => {
    const { agent } = await newTenant();
    await post(HUB, path, agent, { ...EXAMPLE, tool_prefix: "amazon.order." });
    for (const tool_prefix of ["amazon.order.", "AMAZON.Order.", "amazon.", "amazon.order.eu.", "Amazon.ORDER.eu.x."]) {
      const reply = await post(HUB, path, agent, { ...newServer(), tool_prefix });
      assertRefused(reply, 409, "tool_prefix_taken");
      assertMatch(reply.body.error.message, /"amazon\.order\." of the server my-amazon-server/, tool_prefix);
    }
    for (
      const tool_prefix of ["amazon2.", "amazon-eu.", "amazon.orders.", "amazon.orde.", "order.", "b.amazon.order."]
    ) {
      assertEquals((await post(HUB, path, agent, { ...newServer(), tool_prefix })).status, 201, tool_prefix);
    }
  });

  Deno.test(`POST /${path} answers 409 to a server above the tenant's quota, and says what to do`, async () => {
    const { agent, id } = await newTenant();
    await setServerQuota(stack.governance_hub, id, 1);
    const first = newServer();
    assertEquals((await post(HUB, path, agent, first)).status, 201);
    const reply = await post(HUB, path, agent, newServer());
    assertRefused(reply, 409, "quota_exceeded");
    assertEquals(reply.body.error.quota, 1);
    assertMatch(
      reply.body.error.message,
      /quota of 1; delete one, or ask the operator for a larger quota/,
    );
    assertEquals((await get(HUB, "mcp-servers/list", agent)).body.data.count, 1);
    await post(HUB, "mcp-servers/delete", agent, { server_id: first.server_id });
    assertEquals((await post(HUB, path, agent, newServer())).status, 201);
  });

  Deno.test(`POST /${path} does not name another server to a key without servers:read`, async () => {
    const { agent, id } = await newTenant();
    await post(HUB, path, agent, { ...EXAMPLE, tool_prefix: "amazon.order." });
    const { key } = await issueApiKey(stack.governance_hub, id, { name: "writer", scopes: ["servers:write"] });
    const reply = await post(HUB, path, key, { ...newServer(), tool_prefix: "amazon." });
    assertRefused(reply, 409, "tool_prefix_taken");
    assertEquals(reply.text.includes("my-amazon-server") || reply.text.includes("order"), false, reply.text);
    assertEquals((await post(HUB, path, key, newServer())).body.data.enabled, true);
  });

  Deno.test(`POST /${path} answers 400 to characters that hide or reverse text, and accepts joiners inside a word`, async () => {
    const { agent } = await newTenant();
    for (const character of ["\u202e", "\u200b", "\u2028", "\ufeff", "\u{e0041}", "\u00ad"]) {
      for (
        const [field, value] of [["name", `a${character}b`], ["command", `a${character}b`], ["args", [
          `a${character}b`,
        ]]]
      ) {
        const reply = await post(HUB, path, agent, { ...newServer(), [String(field)]: value });
        assertRefused(reply, 400, "invalid_request", String(field));
      }
    }
    const joined = "\u{1f469}\u200d\u{1f680} \u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645";
    assertEquals((await post(HUB, path, agent, { ...newServer(), name: joined })).body.data.name, joined);
    assertRefused(await post(HUB, path, agent, { ...newServer(), name: "a\u200d" }), 400, "invalid_request", "name");
  });

  Deno.test(`POST /${path} answers 400 to each missing or malformed field, and writes nothing`, async () => {
    const { agent } = await newTenant();
    const bad: Record<string, unknown[]> = {
      server_id: [undefined, "", "-x", "a b", 1, null],
      name: [undefined, "", " ", "a\n", "a\u0000", "\ud800"],
      command: [undefined, "", "\u3000"],
      args: [undefined, [], [""], "x", [1]],
      tool_prefix: [undefined, "amazon", ".", "a..", "-a."],
      enabled: ["true", 1, null],
    };
    for (const [field, values] of Object.entries(bad)) {
      for (const value of values) {
        const reply = await post(HUB, path, agent, { ...newServer(), [field]: value });
        assertRefused(reply, 400, "invalid_request", field);
        assertNotEquals(reply.body.error.fields[0].message, "", reply.asked);
      }
    }
    assertEquals((await get(HUB, "mcp-servers/list", agent)).body.data.count, 0);
  });

  Deno.test(`POST /${path} reports every invalid field at once`, async () => {
    const { agent } = await newTenant();
    const reply = await post(HUB, path, agent, { server_id: "", colour: 1 });
    const paths = reply.body.error.fields.map((field: { path: string }) => field.path).sort();
    assertEquals(paths, ["args", "colour", "command", "name", "server_id", "tool_prefix"]);
  });

  Deno.test(`POST /${path} lets a kernel register for a tenant of its organization`, async () => {
    const { id, agent, kernel } = await newTenant();
    const reply = await post(HUB, path, kernel, { ...EXAMPLE, tenant_id: id.toUpperCase() });
    assertEquals(reply.status, 201);
    assertEquals((await get(HUB, "mcp-servers/list", agent)).body.data.servers, [reply.body.data]);
  });
}

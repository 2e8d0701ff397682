import { assert, assertEquals, assertMatch } from "@std/assert";
import { issueApiKey } from "../../scripts/admin/client/operator.ts";
import { assertAlike, assertRefused, get, newTenant, post, stack } from "../../scripts/test/support/client.ts";
import { newServer } from "../../scripts/test/support/endpoints.ts";

const HUB = "governance-hub";

async function registered(agent: string, over: Record<string, unknown> = {}) {
  return (await post(HUB, "mcp-servers/register", agent, { ...newServer(), ...over })).body.data;
}

for (const path of ["mcp-servers/update", "mcp-servers-update"]) {
  Deno.test(`POST /${path} answers 200 and changes only the named fields`, async () => {
    const { agent } = await newTenant();
    const before = await registered(agent);
    const changes: Record<string, unknown> = {
      name: "Updated Name",
      enabled: false,
      command: "deno",
      args: ["run", "x"],
      tool_prefix: "other.",
    };
    let expected = before;
    for (const [field, value] of Object.entries(changes)) {
      const { status, body } = await post(HUB, path, agent, { server_id: before.server_id, [field]: value });
      assertEquals(status, 200, field);
      const { updated_at } = body.data;
      expected = { ...expected, [field]: value, updated_at, version: expected.version + 1 };
      assertEquals(body.data, expected, field);
    }
    assert(expected.updated_at > before.updated_at);
    assertEquals((await get(HUB, "mcp-servers/list", agent)).body.data.servers, [expected]);
  });

  Deno.test(`POST /${path} answers 200 to a change without effect, and keeps updated_at`, async () => {
    const { agent } = await newTenant();
    const before = await registered(agent);
    const { server_id, name, args } = before;
    for (const body of [{ server_id }, { server_id, name, args }]) {
      const reply = await post(HUB, path, agent, body);
      assertEquals([reply.status, reply.body.data], [200, before], reply.asked);
    }
  });

  Deno.test(`POST /${path} answers 404, byte for byte the same, for another tenant's server and for an unknown one`, async () => {
    const { agent } = await newTenant();
    const other = await newTenant();
    const { server_id } = await registered(other.agent);
    const replies = [
      await post(HUB, path, agent, { server_id, name: "taken over" }),
      await post(HUB, path, agent, { server_id: crypto.randomUUID(), name: "taken over" }),
    ];
    for (const reply of replies) assertRefused(reply, 404, "not_found");
    assertAlike(replies);
    assertEquals((await get(HUB, "mcp-servers/list", other.agent)).body.data.servers[0].name, "A server");
  });

  Deno.test(`POST /${path} answers 409 to a prefix that overlaps another, and changes nothing`, async () => {
    const { agent } = await newTenant();
    await registered(agent, { server_id: "holder", tool_prefix: "amazon.order." });
    const { server_id } = await registered(agent, { tool_prefix: "mine." });
    for (const tool_prefix of ["amazon.order.", "Amazon.", "amazon.order.x."]) {
      const reply = await post(HUB, path, agent, { server_id, tool_prefix, name: "changed" });
      assertRefused(reply, 409, "tool_prefix_taken");
      assertMatch(reply.body.error.message, /of the server holder/, tool_prefix);
    }
    const { servers } = (await get(HUB, "mcp-servers/list", agent)).body.data;
    const mine = servers.find((server: { server_id: string }) => server.server_id === server_id);
    assertEquals([mine.tool_prefix, mine.name], ["mine.", "A server"]);
    for (const tool_prefix of ["MINE.", "mine.deeper.", "mine."]) {
      assertEquals((await post(HUB, path, agent, { server_id, tool_prefix })).status, 200, tool_prefix);
    }
  });

  Deno.test(`POST /${path} returns only the server_id and the version to a key without servers:read`, async () => {
    const { agent, id } = await newTenant();
    const { server_id, version } = await registered(agent, { tool_prefix: "hidden.deep.", name: "hidden" });
    const mine = await registered(agent);
    const { key } = await issueApiKey(stack.governance_hub, id, { name: "writer", scopes: ["servers:write"] });
    for (const changes of [{}, { name: "hidden" }]) {
      const reply = await post(HUB, path, key, { server_id, ...changes });
      assertEquals([reply.status, reply.body.data], [200, { server_id, version }], reply.asked);
    }
    const changed = await post(HUB, path, key, { server_id, name: "changed" });
    assertEquals([changed.status, changed.body.data], [200, { server_id, version: version + 1 }]);
    // A server that compresses its answers makes it weak.
    assertEquals(changed.headers.get("etag")?.replace(/^W\//, ""), `"${version + 1}"`);
    const taken = await post(HUB, path, key, { server_id: mine.server_id, tool_prefix: "hidden." });
    assertRefused(taken, 409, "tool_prefix_taken");
    const stale = await post(HUB, path, key, { server_id, if_version: version });
    assertRefused(stale, 412, "version_mismatch");
    assertEquals(stale.body.error.current_version, version + 1);
    for (const { text } of [taken, stale]) assert(!text.includes(server_id) && !text.includes("hidden"), text);
  });

  Deno.test(`POST /${path} answers 400 to malformed fields and to fields that cannot change`, async () => {
    const { agent } = await newTenant();
    const { server_id } = await registered(agent);
    for (
      const [field, value] of [["name", ""], ["args", []], ["tool_prefix", "x"], ["enabled", null], ["id", "x"], [
        "created_at",
        "x",
      ]] as const
    ) {
      assertRefused(await post(HUB, path, agent, { server_id, [field]: value }), 400, "invalid_request", field);
    }
    assertRefused(await post(HUB, path, agent, { name: "x" }), 400, "invalid_request", "server_id");
  });
}

import { assertEquals } from "@std/assert";
import { assertRefused, get, newTenant, post } from "../../scripts/test/support/client.ts";
import { newServer } from "../../scripts/test/support/endpoints.ts";

const HUB = "governance-hub";

for (const path of ["mcp-servers/list", "mcp-servers-list"]) {
  Deno.test(`GET /${path} answers 200 with an empty list for a new tenant`, async () => {
    const { agent } = await newTenant();
    const { status, body } = await get(HUB, path, agent);
    assertEquals([status, body], [200, { ok: true, data: { servers: [], count: 0, next_cursor: null } }]);
  });

  Deno.test(`GET /${path} lists only this tenant's servers, by server_id`, async () => {
    const { agent, id, kernel } = await newTenant();
    const other = await newTenant();
    await post(HUB, "mcp-servers/register", other.agent, { ...newServer(), server_id: "a0" });
    for (const server_id of ["b", "c", "a"]) {
      await post(HUB, "mcp-servers/register", agent, { ...newServer(), server_id });
    }
    for (const reply of [await get(HUB, path, agent), await get(HUB, `${path}?tenant_id=${id}`, kernel)]) {
      const { servers, count } = reply.body.data;
      assertEquals([servers.map((s: { server_id: string }) => s.server_id), count], [["a", "b", "c"], 3], reply.asked);
      assertEquals("tenant_id" in servers[0], false, reply.asked);
    }
  });

  Deno.test(`GET /${path}?enabled_only=true leaves out disabled servers`, async () => {
    const { agent } = await newTenant();
    await post(HUB, "mcp-servers/register", agent, { ...newServer(), server_id: "off", enabled: false });
    await post(HUB, "mcp-servers/register", agent, { ...newServer(), server_id: "on" });
    const idsOf = async (query: string) =>
      (await get(HUB, path + query, agent)).body.data.servers.map((s: { server_id: string }) => s.server_id);
    assertEquals(await idsOf("?enabled_only=true"), ["on"]);
    assertEquals(await idsOf("?enabled_only=false"), ["off", "on"]);
  });

  Deno.test(`GET /${path} pages through, each server once`, async () => {
    const { agent } = await newTenant();
    const ids = ["a", "B", "c-1", "c.1", "d", "@e/f", "0"];
    for (const server_id of ids) await post(HUB, "mcp-servers/register", agent, { ...newServer(), server_id });
    const seen: string[] = [];
    const counts: number[] = [];
    let query = "?limit=3";
    while (query !== "") {
      const { servers, count, next_cursor } = (await get(HUB, path + query, agent)).body.data;
      seen.push(...servers.map((s: { server_id: string }) => s.server_id));
      counts.push(count);
      query = next_cursor === null ? "" : `?limit=3&cursor=${next_cursor}`;
    }
    assertEquals(counts, [3, 3, 1]);
    assertEquals([...seen].sort(), [...ids].sort());
    const whole = (await get(HUB, path, agent)).body.data.servers.map((s: { server_id: string }) => s.server_id);
    assertEquals(seen, whole);
    assertEquals((await get(HUB, `${path}?limit=7`, agent)).body.data.next_cursor, null);
  });

  Deno.test(`GET /${path} answers 400 to malformed parameters, and to another tenant's cursor`, async () => {
    const { agent } = await newTenant();
    const other = await newTenant();
    for (const server_id of ["a", "b"]) {
      await post(HUB, "mcp-servers/register", other.agent, { ...newServer(), server_id });
    }
    const { next_cursor } = (await get(HUB, `${path}?limit=1`, other.agent)).body.data;
    const bad = [
      ["enabled_only", "yes"],
      ["limit", "0"],
      ["limit", "1001"],
      ["limit", "x"],
      ["cursor", "x"],
      ["cursor", next_cursor.slice(0, 20)],
      ["cursor", next_cursor],
    ];
    for (const [name, value] of bad) {
      assertRefused(await get(HUB, `${path}?${name}=${value}`, agent), 400, "invalid_request", name);
    }
  });
}

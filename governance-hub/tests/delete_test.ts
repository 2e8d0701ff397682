import { assertEquals } from "@std/assert";
import { assertAlike, assertRefused, get, newTenant, post } from "../../scripts/test/support/client.ts";
import { newServer } from "../../scripts/test/support/endpoints.ts";

const HUB = "governance-hub";

for (const path of ["mcp-servers/delete", "mcp-servers-delete"]) {
  Deno.test(`POST /${path} answers 200, deletes permanently, and frees the id and the prefix`, async () => {
    const { agent, kernel, id } = await newTenant();
    const server = newServer();
    for (const [key, more] of [[agent, {}], [kernel, { tenant_id: id }]] as const) {
      const registered = await post(HUB, "mcp-servers/register", agent, server);
      assertEquals(registered.status, 201, registered.text);
      const { asked, status, body } = await post(HUB, path, key, { server_id: server.server_id, ...more });
      assertEquals([status, body], [200, { ok: true, data: { server_id: server.server_id, deleted: true } }], asked);
      assertEquals((await get(HUB, "mcp-servers/list", agent)).body.data.count, 0, asked);
    }
  });

  Deno.test(`POST /${path} answers 404, byte for byte the same, for another tenant's server and for an unknown one`, async () => {
    const { agent } = await newTenant();
    const other = await newTenant();
    const server = newServer();
    await post(HUB, "mcp-servers/register", other.agent, server);
    const replies = [
      await post(HUB, path, agent, { server_id: server.server_id }),
      await post(HUB, path, agent, { server_id: crypto.randomUUID() }),
    ];
    for (const reply of replies) assertRefused(reply, 404, "not_found");
    assertAlike(replies);
    assertEquals((await get(HUB, "mcp-servers/list", other.agent)).body.data.count, 1);
  });

  Deno.test(`POST /${path} answers 400 without a well-formed server_id`, async () => {
    const { agent } = await newTenant();
    for (const body of [{}, { server_id: "" }, { server_id: 1 }]) {
      assertRefused(await post(HUB, path, agent, body), 400, "invalid_request", "server_id");
    }
  });
}

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { get, newTenant, post, type Reply, send } from "../../scripts/test/support/client.ts";
import { newServer } from "../../scripts/test/support/endpoints.ts";

const HUB = "governance-hub";

function poll(path: string, key: string, tag: string): Promise<Reply> {
  return send(HUB, path, { key, headers: { "if-none-match": tag } });
}

function tagOf(reply: Reply): string {
  assertEquals(reply.status, 200);
  assertEquals(reply.headers.get("cache-control"), "private, no-cache");
  // A server that compresses its answers makes tags weak.
  return (reply.headers.get("etag") ?? "").replace(/^W\//, "");
}

for (const path of ["mcp-servers/list", "mcp-servers-list"]) {
  Deno.test(`GET /${path} answers 304 without a body if the client's list is current`, async () => {
    const { agent, kernel, id } = await newTenant();
    for (let i = 0; i < 3; i++) {
      const tag = tagOf(await get(HUB, path, agent));
      const asked = [
        await poll(path, agent, tag),
        await poll(path, agent, `W/${tag}`),
        await poll(path, agent, `"other", ${tag}`),
        await poll(`${path}?limit=1&enabled_only=true`, agent, tag),
        await poll(path, agent, "*"),
        await poll(`${path}?tenant_id=${id}`, kernel, tag),
      ];
      for (const [index, { status, text, headers }] of asked.entries()) {
        const label = `list ${i}, poll ${index}`;
        assertEquals([status, text, headers.get("etag")], [304, "", tag], label);
        assertEquals(headers.get("cache-control"), "private, no-cache", label);
        assertEquals(headers.get("content-type"), null, label);
        assert(headers.get("x-request-id"), label);
      }
      await post(HUB, "mcp-servers/register", agent, newServer());
    }
  });

  Deno.test(`GET /${path} has a new ETag after every change, and keeps it if nothing changes`, async () => {
    const { agent } = await newTenant();
    const { server_id } = newServer("s");
    const seen = new Set<string>();
    const changes: [string, Record<string, unknown>][] = [
      ["register", newServer("s")],
      ["update", { server_id, name: "b" }],
      ["update", { server_id, name: "A server" }],
      ["update", { server_id, enabled: false }],
      ["update", { server_id, args: ["x"] }],
      ["delete", { server_id }],
      ["register", newServer("s")],
    ];
    for (const [verb, body] of changes) {
      const before = tagOf(await get(HUB, path, agent));
      seen.add(before);
      const reply = await post(HUB, `mcp-servers/${verb}`, agent, body);
      assert(reply.status < 300, reply.text);
      assertEquals((await poll(path, agent, before)).status, 200, verb);
    }
    const last = tagOf(await get(HUB, path, agent));
    assertEquals(seen.add(last).size, changes.length + 1);
    await post(HUB, "mcp-servers/update", agent, { server_id, name: "A server" });
    await post(HUB, "mcp-servers/register", agent, newServer("s"));
    await post(HUB, "mcp-servers/update", agent, { server_id, name: "late", if_version: 9 });
    assertEquals((await poll(path, agent, last)).status, 304);
  });

  Deno.test(`GET /${path} does not accept another tenant's ETag`, async () => {
    const [one, other] = [await newTenant(), await newTenant()];
    for (const { agent } of [one, other]) await post(HUB, "mcp-servers/register", agent, newServer());
    const tag = tagOf(await get(HUB, path, other.agent));
    assertNotEquals(tag, tagOf(await get(HUB, path, one.agent)));
    assertEquals((await poll(path, one.agent, tag)).status, 200);
    for (const odd of ["x", '"', '"v1.99999999999999999999.x"', tag.slice(0, -2) + '"', `${tag}`.repeat(3)]) {
      assertEquals((await poll(path, one.agent, odd)).status, 200, odd);
    }
  });
}

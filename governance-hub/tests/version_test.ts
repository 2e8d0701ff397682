import { assertEquals } from "@std/assert";
import { assertRefused, get, newTenant, post, type Reply, send } from "../../scripts/test/support/client.ts";
import { newServer } from "../../scripts/test/support/endpoints.ts";

const HUB = "governance-hub";

async function registered(agent: string): Promise<string> {
  const reply = await post(HUB, "mcp-servers/register", agent, newServer());
  assertEquals([reply.body.data.version, tagOf(reply)], [1, '"1"']);
  return reply.body.data.server_id;
}

/** The strong form of the tag. A server that compresses its answers makes tags weak. */
function tagOf({ headers }: Reply): string | undefined {
  return headers.get("etag")?.replace(/^W\//, "");
}

function conditional(path: string, key: string, body: unknown, tag: string): Promise<Reply> {
  return send(HUB, path, { key, body, headers: { "if-match": tag } });
}

async function versionOf(agent: string, id: string): Promise<number | undefined> {
  const { servers } = (await get(HUB, "mcp-servers/list", agent)).body.data;
  return servers.find((server: { server_id: string }) => server.server_id === id)?.version;
}

function assertMismatch(reply: Reply, current: number): void {
  assertRefused(reply, 412, "version_mismatch");
  assertEquals([reply.body.error.current_version, tagOf(reply)], [current, `"${current}"`]);
}

for (const path of ["mcp-servers/update", "mcp-servers-update"]) {
  Deno.test(`POST /${path} answers 412 with the current version to any other version, and changes nothing`, async () => {
    const { agent } = await newTenant();
    const server_id = await registered(agent);
    for (let version = 1; version <= 3; version++) {
      const reply = version % 2
        ? await post(HUB, path, agent, { server_id, name: `n${version}`, if_version: version })
        : await conditional(path, agent, { server_id, name: `n${version}` }, `"${version}"`);
      assertEquals([reply.status, reply.body.data.version], [200, version + 1], reply.asked);
      assertEquals(tagOf(reply), `"${version + 1}"`, reply.asked);
    }
    for (const if_version of [1, 3, 5, 2 ** 31 - 1]) {
      assertMismatch(await post(HUB, path, agent, { server_id, name: "late", if_version }), 4);
    }
    for (const tag of ['"3"', 'W/"3"', '"v4"', '"04"', '""', '"4294967300"']) {
      assertMismatch(await conditional(path, agent, { server_id, name: "late" }, tag), 4);
    }
    const { servers } = (await get(HUB, "mcp-servers/list", agent)).body.data;
    assertEquals([servers[0].name, servers[0].version], ["n3", 4]);
  });

  Deno.test(`POST /${path} keeps the version if nothing changes, and raises it without a condition`, async () => {
    const { agent } = await newTenant();
    const server_id = await registered(agent);
    assertEquals((await post(HUB, path, agent, { server_id, name: "A server" })).body.data.version, 1);
    assertEquals((await post(HUB, path, agent, { server_id, name: "other" })).body.data.version, 2);
    assertEquals((await conditional(path, agent, { server_id, name: "third" }, "*")).body.data.version, 3);
  });

  Deno.test(`POST /${path} accepts one of eight concurrent writers with the same version`, async () => {
    const { agent } = await newTenant();
    const server_id = await registered(agent);
    const replies = await Promise.all(
      Array.from({ length: 8 }, (_, i) => post(HUB, path, agent, { server_id, name: `n${i}`, if_version: 1 })),
    );
    assertEquals(replies.map(({ status }) => status).sort(), [200, ...Array(7).fill(412)]);
    for (const reply of replies.filter(({ status }) => status === 412)) assertMismatch(reply, 2);
  });
}

for (const path of ["mcp-servers/delete", "mcp-servers-delete"]) {
  Deno.test(`POST /${path} answers 412 if the version has changed, and deletes at the right version`, async () => {
    const { agent } = await newTenant();
    const server_id = await registered(agent);
    await post(HUB, "mcp-servers/update", agent, { server_id, name: "changed" });
    assertMismatch(await post(HUB, path, agent, { server_id, if_version: 1 }), 2);
    assertMismatch(await conditional(path, agent, { server_id }, '"1"'), 2);
    assertEquals(await versionOf(agent, server_id), 2);
    assertEquals((await conditional(path, agent, { server_id }, 'W/"2"')).status, 200);
    assertEquals(await versionOf(agent, server_id), undefined);
    assertRefused(await post(HUB, path, agent, { server_id, if_version: 2 }), 404, "not_found");
  });
}

for (const path of ["mcp-servers/update", "mcp-servers/delete"]) {
  Deno.test(`POST /${path} answers 400 to a malformed version, and to conditions that differ`, async () => {
    const { agent } = await newTenant();
    const server_id = await registered(agent);
    for (const if_version of [0, -1, 1.5, "1", null, 2 ** 31]) {
      assertRefused(await post(HUB, path, agent, { server_id, if_version }), 400, "invalid_request", "if_version");
    }
    assertRefused(
      await conditional(path, agent, { server_id, if_version: 1 }, '"2"'),
      400,
      "invalid_request",
      "if_version",
    );
    for (const tag of ['"1", "2"', "1", '"1']) {
      assertRefused(await conditional(path, agent, { server_id }, tag), 400, "invalid_request", "");
    }
    assertEquals(await versionOf(agent, server_id), 1);
  });
}

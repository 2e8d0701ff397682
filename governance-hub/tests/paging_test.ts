import { assert, assertEquals } from "@std/assert";
import { get, newTenant, post } from "../../scripts/test/support/client.ts";
import { newServer } from "../../scripts/test/support/endpoints.ts";

const HUB = "governance-hub";
const STEADY = 40;
const WRITERS = 8;
const PASSES = 12;

/** The ids on all pages, in order. */
async function readThrough(agent: string): Promise<string[]> {
  const ids: string[] = [];
  for (let query = "?limit=7"; query !== "";) {
    const { status, body } = await get(HUB, `mcp-servers/list${query}`, agent);
    assertEquals(status, 200, query);
    ids.push(...body.data.servers.map((server: { server_id: string }) => server.server_id));
    query = body.data.next_cursor === null ? "" : `?limit=7&cursor=${body.data.next_cursor}`;
  }
  return ids;
}

Deno.test("paging shows every server that exists throughout exactly once, while 8 writers write", async () => {
  const { agent } = await newTenant();
  // Spread among the writers' servers, whose UUIDs start with any hex digit.
  const steady = Array.from({ length: STEADY }, (_, i) => `${(i % 16).toString(16)}-steady-${i}`);
  for (const id of steady) await post(HUB, "mcp-servers/register", agent, newServer(id));

  let isReading = true;
  const writes = { register: 0, update: 0, delete: 0 };
  const write = async (verb: keyof typeof writes, body: Record<string, unknown>) => {
    const reply = await post(HUB, `mcp-servers/${verb}`, agent, body);
    assert(reply.status < 300, reply.text);
    writes[verb]++;
  };
  const writers = Array.from({ length: WRITERS }, async (_, writer) => {
    while (isReading) {
      const server_id = crypto.randomUUID();
      await write("register", newServer(server_id));
      await write("update", { server_id, name: "changed", tool_prefix: `q${server_id}.` });
      await write("update", { server_id: steady[(writer * 5 + writes.update) % STEADY], name: `by ${server_id}` });
      await write("delete", { server_id });
    }
  });
  try {
    for (let pass = 0; pass < PASSES; pass++) {
      const seen = (await readThrough(agent)).filter((id) => id.includes("steady"));
      assertEquals(seen.sort(), [...steady].sort(), `pass ${pass}`);
    }
  } finally {
    isReading = false;
    await Promise.all(writers);
  }
  assert(Object.values(writes).every((count) => count >= WRITERS), JSON.stringify(writes));
  assertEquals((await readThrough(agent)).length, STEADY);
});

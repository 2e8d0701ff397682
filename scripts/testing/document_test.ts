/** A server's document is what every answer has of it: it must be its row, whatever the session's settings are. */

import { assertEquals } from "@std/assert";
import { startCluster } from "./cluster.ts";
import { call, openFixture, server } from "./isolation.ts";

const HUB = "governance-hub";

const cluster = await startCluster();
Deno.test.afterAll(() => cluster.stop());

Deno.test("what is answered of a server is its row, in any session and after any change", async () => {
  const fixture = await openFixture(cluster, await cluster.createProject(HUB), HUB);
  const { sql, owner, a } = fixture;
  try {
    const row = async () => {
      const [found] =
        await owner`select to_jsonb(server) - 'tenant_id' - 'document' as row from public.tenant_mcp_servers as server`;
      return found?.row;
    };
    await owner`set timezone = 'UTC'`;
    await sql`set timezone = 'Asia/Kolkata'`;
    await sql`set datestyle = 'SQL, DMY'`;
    const awkward = { ...server("s", "p."), name: `"\\ é \u{1f511}`, args: ["{}", "null", `a"b,c\\`, "\u2028"] };
    assertEquals(await call(sql, "register_mcp_server", a.caller, awkward), await row());
    assertEquals((await call(sql, "list_mcp_servers", a.caller, { limit: 1 })).servers, [await row()]);
    assertEquals((await call(sql, "authorize_tool", a.caller, "p.tool")).server, await row());

    const before = await row();
    assertEquals(await call(sql, "update_mcp_server", a.caller, "s", { name: "new", args: ["x"] }), await row());
    assertEquals({ ...(await row()), updated_at: null }, {
      ...before,
      name: "new",
      args: ["x"],
      version: 2,
      updated_at: null,
    });

    await owner`set timezone = 'America/Lima'`;
    await owner`update public.tenant_mcp_servers set enabled = false, created_at = '2026-01-01 00:00+00'`;
    await owner`set timezone = 'UTC'`;
    assertEquals((await call(sql, "list_mcp_servers", a.caller, { limit: 1 })).servers, [await row()]);
    assertEquals((await row()).created_at, "2026-01-01T00:00:00+00:00");
  } finally {
    await fixture.close();
  }
});

/** Every endpoint as an app calls it, through supabase-js's `functions.invoke`: one success and one error for each. */

import { assertEquals } from "@std/assert";
import { newTenant } from "../../scripts/test/support/client.ts";
import { newServer } from "../../scripts/test/support/endpoints.ts";
import { type App, appOf, assertAllPaths, assertInvokeFails, dataOf } from "../../scripts/test/support/invoke.ts";

const HUB = "governance-hub";

async function newApp(): Promise<App> {
  return appOf(HUB, (await newTenant()).agent);
}

async function register(app: App): Promise<Record<string, unknown>> {
  const server = newServer();
  await dataOf(app, "mcp-servers/register", 201, server);
  return server;
}

/** By path. */
const TESTS: Record<string, (path: string) => Promise<void>> = {};

for (const path of ["mcp-servers/register", "mcp-servers-register"]) {
  TESTS[path] = async () => {
    const app = await newApp();
    const server = newServer();
    assertEquals((await dataOf(app, path, 201, server)).server_id, server.server_id);
    await assertInvokeFails(app, path, 409, "server_id_taken", server);
  };
}

for (const path of ["mcp-servers/list", "mcp-servers-list"]) {
  TESTS[path] = async () => {
    const app = await newApp();
    const server = await register(app);
    const { servers, count } = await dataOf(app, `${path}?enabled_only=true&limit=10`, 200);
    assertEquals([servers[0].server_id, count], [server.server_id, 1]);
    await assertInvokeFails(app, `${path}?limit=0`, 400, "invalid_request");
  };
}

for (const path of ["mcp-servers/update", "mcp-servers-update"]) {
  TESTS[path] = async () => {
    const app = await newApp();
    const { server_id } = await register(app);
    assertEquals((await dataOf(app, path, 200, { server_id, name: "New" })).name, "New");
    await assertInvokeFails(app, path, 412, "version_mismatch", { server_id, name: "Newer", if_version: 1 });
  };
}

for (const path of ["mcp-servers/delete", "mcp-servers-delete"]) {
  TESTS[path] = async () => {
    const app = await newApp();
    const { server_id } = await register(app);
    assertEquals(await dataOf(app, path, 200, { server_id }), { server_id, deleted: true });
    await assertInvokeFails(app, path, 404, "not_found", { server_id });
  };
}

TESTS["mcp-servers/events"] = async (path) => {
  const app = await newApp();
  const { server_id } = await register(app);
  const { events } = await dataOf(app, `${path}?action=register`, 200);
  assertEquals(events.map((event: Record<string, unknown>) => event.server_id), [server_id]);
  await assertInvokeFails(appOf(HUB), path, 401, "unauthenticated");
};

TESTS["authorize"] = async (path) => {
  const app = await newApp();
  const { server_id, tool_prefix } = await register(app);
  const decision = await dataOf(app, path, 200, { tool: `${tool_prefix}create` });
  assertEquals([decision.allowed, decision.tool, decision.server.server_id], [true, "create", server_id]);
  await assertInvokeFails(app, path, 400, "invalid_request", { tool: 1 });
};

TESTS["mcp-servers/health"] = async (path) => {
  assertEquals(await dataOf(appOf(HUB), path, 200), { healthy: true });
  await assertInvokeFails(appOf(HUB), path, 405, "method_not_allowed", {});
};

for (const [path, test] of Object.entries(TESTS)) {
  Deno.test(`supabase-js invokes ${path}, and the app receives its errors`, () => test(path));
}

Deno.test("supabase-js invokes every path that the hub documents", async () => {
  await assertAllPaths(HUB, "mcp-servers", [...Object.keys(TESTS), "mcp-servers/openapi.json"]);
});

import { assertEquals } from "@std/assert";
import { issueApiKey, issueKernel, SCOPES } from "../../scripts/admin/client/operator.ts";
import { addTenant, assertRefused, newTenant, post, send, stack } from "../../scripts/test/support/client.ts";
import { newServer } from "../../scripts/test/support/endpoints.ts";

const HUB = "governance-hub";

async function register(agent: string, server_id: string, tool_prefix: string, enabled = true): Promise<unknown> {
  return (await post(HUB, "mcp-servers/register", agent, { ...newServer(), server_id, tool_prefix, enabled })).body
    .data;
}

Deno.test("POST /authorize returns the enabled server that owns a tool, and the tool's name there", async () => {
  const { agent, kernel, id, organizationId } = await newTenant();
  const amazon = await register(agent, "amazon", "Amazon.");
  const deep = await register(agent, "deep", "a.b.c.");
  await register(agent, "longest", `${"x".repeat(63)}.`);
  const cases: [tool: string, server: unknown, own: string][] = [
    ["Amazon.order", amazon, "order"],
    ["amazon.order.create", amazon, "order.create"],
    ["AMAZON..", amazon, "."],
    ["a.b.c.d", deep, "d"],
    ["a.b.c.Ünï {x}", deep, "Ünï {x}"],
  ];
  for (const [tool, server, own] of cases) {
    const { status, body } = await post(HUB, "authorize", agent, { tool });
    const { actor, ...data } = body.data;
    assertEquals([status, data], [200, { allowed: true, tenant_id: id, server, tool: own }], tool);
    assertEquals([actor.kind, actor.organization_id, actor.services], ["agent", organizationId, null], tool);
  }
  const asKernel = await post(HUB, "authorize", kernel, { tool: "amazon.order", tenant_id: id });
  assertEquals([asKernel.body.data.server, asKernel.body.data.actor.kind], [amazon, "kernel"]);
  const longest = await post(HUB, "authorize", agent, { tool: `${"x".repeat(63)}.${"y".repeat(192)}` });
  assertEquals(longest.body.data.tool, "y".repeat(192));
});

Deno.test("POST /authorize does not allow a tool without an enabled server, and says why", async () => {
  const { agent, organizationId, id } = await newTenant();
  const sibling = await addTenant(organizationId);
  await register(agent, "amazon", "amazon.order.");
  await register(agent, "off", "off.", false);
  await register(sibling.agent, "theirs", "theirs.");
  const reasons = {
    "amazon.order.": "no_server",
    "amazon.order": "no_server",
    "amazon.orders.x": "no_server",
    "amazon.x": "no_server",
    "amazon": "no_server",
    ".": "no_server",
    "..x": "no_server",
    "theirs.x": "no_server",
    "off.x": "server_disabled",
    "OFF.x": "server_disabled",
  };
  for (const [tool, reason] of Object.entries(reasons)) {
    const { status, body } = await post(HUB, "authorize", agent, { tool });
    const { actor, ...data } = body.data;
    assertEquals([status, data, actor.kind], [200, { allowed: false, reason, tenant_id: id }, "agent"], tool);
  }
});

Deno.test("POST /authorize respects the scopes, and returns the scopes and services of the key", async () => {
  const { agent, id } = await newTenant();
  await register(agent, "amazon", "amazon.");
  const limits = { scopes: ["credentials:reveal"], services: ["stripe", "amazon"] };
  const { key, id: keyId } = await issueApiKey(stack.governance_hub, id, { name: "executor", ...limits });
  const { status, body } = await post(HUB, "authorize", key, { tool: "amazon.order" });
  const { actor, ...data } = body.data;
  assertEquals([status, data], [200, { allowed: false, reason: "insufficient_scope", tenant_id: id }]);
  assertEquals([actor.id, actor.scopes, actor.services], [keyId, limits.scopes, limits.services]);
});

Deno.test("POST /authorize allows a tool only to a key that may call tools and see their server", async () => {
  const { agent, id } = await newTenant();
  await register(agent, "amazon", "amazon.");
  for (const scopes of [["servers:read"], ["tools:call"], SCOPES.filter((scope) => scope !== "tools:call")]) {
    const { key } = await issueApiKey(stack.governance_hub, id, { name: "narrow", scopes });
    const { body } = await post(HUB, "authorize", key, { tool: "amazon.order" });
    assertEquals([body.data.allowed, body.data.reason], [false, "insufficient_scope"], scopes.join());
  }
});

Deno.test("POST /authorize allows a key that is limited to services only the tools of their servers", async () => {
  const { agent, id, organizationId } = await newTenant();
  await register(agent, "amazon", "amazon.");
  await register(agent, "off", "off.", false);
  const allowed = [
    await register(agent, "sendgrid", "sendgrid."),
    await register(agent, "deep", "a.b."),
  ];
  const limit = { name: "limited", services: ["sendgrid", "a.b", "a", "Amazon", "amazon."] };
  const { key } = await issueApiKey(stack.governance_hub, id, limit);
  const kernel = await issueKernel(stack.governance_hub, stack.kernel_hmac_secret, organizationId, limit);
  const none = await issueApiKey(stack.governance_hub, id, { name: "none", services: [] });
  const all = await issueApiKey(stack.governance_hub, id, { name: "all" });
  const ask = async (caller: string, tool: string) => {
    const body = caller === kernel.key ? { tool, tenant_id: id } : { tool };
    const { actor: _, tenant_id: __, ...data } = (await post(HUB, "authorize", caller, body)).body.data;
    return data;
  };
  const refused = { allowed: false, reason: "insufficient_scope" };
  for (const caller of [key, kernel.key]) {
    const kind = caller.slice(0, 3);
    for (const tool of ["amazon.order", "AMAZON.order", "off.x"]) {
      assertEquals(await ask(caller, tool), refused, `${kind} ${tool}`);
    }
    assertEquals(await ask(caller, "SendGrid.send"), { allowed: true, tool: "send", server: allowed[0] }, kind);
    assertEquals(await ask(caller, "a.b.c"), { allowed: true, tool: "c", server: allowed[1] }, kind);
    assertEquals((await ask(caller, "stripe.charge")).reason, "no_server", kind);
  }
  assertEquals(await ask(none.key, "sendgrid.send"), refused);
  assertEquals((await ask(all.key, "amazon.order")).allowed, true);
});

Deno.test("POST /authorize without a tool identifies the caller, whatever the scopes, and allows nothing", async () => {
  const { id, agent } = await newTenant();
  const { key } = await issueApiKey(stack.governance_hub, id, { name: "none", scopes: [] });
  for (const [caller, reason] of [[key, "insufficient_scope"], [agent, "no_tool"]] as const) {
    const { status, body } = await post(HUB, "authorize", caller, {});
    const { actor, ...data } = body.data;
    assertEquals([status, data, actor.scopes.length], [
      200,
      { allowed: false, reason, tenant_id: id },
      caller === key ? 0 : SCOPES.length,
    ], reason);
  }
});

Deno.test("POST /authorize answers 400 to a malformed tool name", async () => {
  const { agent } = await newTenant();
  for (const tool of ["", " ", 1, null, ["a.b"], "a.\n", "x".repeat(257)]) {
    assertRefused(await post(HUB, "authorize", agent, { tool }), 400, "invalid_request", "tool");
  }
});

Deno.test("POST /authorize answers a request without a body like {}", async () => {
  const { agent } = await newTenant();
  const expected = (await post(HUB, "authorize", agent, {})).body;
  const empty = await send(HUB, "authorize", { method: "POST", key: agent });
  assertEquals([empty.status, empty.body], [200, expected]);
  const typed = await send(HUB, "authorize", { key: agent, body: "" });
  assertEquals([typed.status, typed.body], [200, expected]);
});

/** From an agent's key to a server's answer, through the tested stack's own gateway, Executor and vault. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { issueApiKey } from "../../scripts/admin/client/operator.ts";
import { addTenant, get, newTenant, post, stack } from "../../scripts/test/support/client.ts";
import { type McpReply, sendLegacy, sendModern } from "../../scripts/test/support/gateway.ts";
import { until } from "key-vault-executor/executor/testing/make.ts";

const [HUB, VAULT] = ["governance-hub", "key-vault-executor"] as const;
const SCRIPT = `misbehave-${crypto.randomUUID()}.mjs`;
const SERVER = { server_id: "shop", name: "Shop", command: "node", args: [SCRIPT], tool_prefix: "amazon." };
const SECRETS = { api_key: "wJalrXUtnFEMI-of-the-first", other: "wJalrXUtnFEMI-of-the-second" };

const gateway = { url: stack.gateway.url.replace(/\/mcp$/, "") };

/** Of an organization whose key the stack's Executor has. */
const newAgent = async () => (await addTenant(stack.organizations[0]?.id ?? "")).agent;

Deno.test.beforeAll(async () => {
  assert(stack.executor !== null, "the stack that is tested has no Executor");
  const fixture = new URL("../../key-vault-executor/executor/testing/fixtures/misbehave.mjs", import.meta.url);
  await Deno.copyFile(fixture, `${stack.executor.servers}/${SCRIPT}`);
});
Deno.test.afterAll(() => Deno.remove(`${stack.executor?.servers}/${SCRIPT}`));

async function register(key: string, server: Record<string, unknown> = SERVER): Promise<void> {
  assertEquals((await post(HUB, "mcp-servers/register", key, server)).status, 201);
}

async function store(key: string, service: string, apiKey: string): Promise<void> {
  assertEquals(
    (await post(VAULT, "credentials/store", key, { service, credentials: { api_key: apiKey } })).status,
    201,
  );
}

async function listTools(key: string): Promise<string[]> {
  const { body } = await sendLegacy(gateway, "tools/list", {}, { key });
  return body.result.tools.map(({ name }: { name: string }) => name);
}

function call(key: string, name: string, args = {}): Promise<McpReply> {
  return sendModern(gateway, "tools/call", { name, arguments: args }, { key });
}

/** What a tool says of its credential, by a form of it that is not redacted. */
async function lengthOfKey(key: string): Promise<string> {
  const { text } = await call(key, "amazon.shell", { command: "echo length-${#AMAZON_API_KEY}" });
  return /length-\d+/.exec(text)?.[0] ?? text;
}

Deno.test("an agent registers a server, stores its credential, lists its tools and calls one", async () => {
  const agent = await newAgent();
  await register(agent);
  await store(agent, "amazon", SECRETS.api_key);
  assert((await listTools(agent)).includes("amazon.echo"));
  const { body } = await call(agent, "amazon.echo", { value: "hello" });
  assertEquals(body.result.content, [{ type: "text", text: "hello" }]);
  const { text } = await call(agent, "amazon.environment");
  assertMatch(text, /\[redacted AMAZON_API_KEY\]/);
  assert(!text.includes(SECRETS.api_key));
  await until(async () => {
    const { data } = (await get(HUB, "mcp-servers/events?action=call", agent)).body;
    return data.count === 2 && data.events.every(({ outcome }: { outcome: string }) => outcome === "ok");
  });
  const { data } = (await get(VAULT, "credentials/events?action=use", agent)).body;
  assertEquals(data.events.map(({ service, server_id }: Record<string, string>) => [service, server_id]), [
    ["amazon", "shop"],
  ]);
});

Deno.test("a key for other services calls no tool of a server that would use their credentials, and lists none", async () => {
  const { agent, id } = await addTenant(stack.organizations[0]?.id ?? "");
  await register(agent);
  await register(agent, { ...SERVER, server_id: "stripe", tool_prefix: "stripe." });
  const { key } = await issueApiKey(stack.governance_hub, id, { name: "narrow", services: ["stripe"] });
  assertEquals((await call(key, "amazon.echo")).body.error.data.code, "insufficient_scope");
  const { allowed, reason } = (await post(HUB, "authorize", key, { tool: "amazon.echo" })).body.data;
  assertEquals([allowed, reason], [false, "insufficient_scope"]);
  assertEquals((await call(key, "stripe.echo", { value: "hello" })).body.result.content[0].text, "hello");
  const tools = await listTools(key);
  assertEquals([tools.includes("stripe.echo"), tools.some((name) => name.startsWith("amazon."))], [true, false]);
});

Deno.test("a server that is registered is in the next list, an update is seen by the next call", async () => {
  const agent = await newAgent();
  const isOther = (name: string) => name.startsWith("other.");
  assertEquals((await listTools(agent)).filter(isOther), []);
  await register(agent, { ...SERVER, server_id: "other", tool_prefix: "other." });
  assert((await listTools(agent)).some(isOther));
  const pid = async () => (await call(agent, "other.pid")).body.result.content[0].text;
  const [first, again] = [await pid(), await pid()];
  assertEquals(first, again);
  assertEquals((await post(HUB, "mcp-servers/update", agent, { server_id: "other", tool_prefix: "new." })).status, 200);
  assertEquals((await call(agent, "other.pid")).body.error.data.code, "no_server");
  assertEquals((await call(agent, "new.echo", { value: "moved" })).body.result.content[0].text, "moved");
  assertEquals((await listTools(agent)).filter(isOther), []);
});

Deno.test("an agent does all of it by MCP: it registers, stores, calls, and asks for the status", async () => {
  const agent = await newAgent();
  const credential = { service: "amazon", credentials: { api_key: SECRETS.api_key } };
  for (const [tool, args] of [["register_server", SERVER], ["store_credential", credential]] as const) {
    const { body, text } = await call(agent, `hub.${tool}`, args);
    assertEquals(body.result.isError ?? false, false, text);
    assert(!text.includes(SECRETS.api_key), tool);
  }
  assertEquals(await lengthOfKey(agent), `length-${SECRETS.api_key.length}`);
  assertMatch((await call(agent, "hub.server_status", { server_id: "shop" })).text, /idle|running/);
});

Deno.test("a disabled server's tools are neither listed nor called, and a key without tools:call calls none", async () => {
  const { id, agent } = await addTenant(stack.organizations[0]?.id ?? "");
  await register(agent);
  const { key } = await issueApiKey(stack.governance_hub, id, { name: "reader", scopes: ["servers:read"] });
  assertEquals((await call(key, "amazon.echo")).body.error.data.code, "insufficient_scope");
  assertEquals((await post(HUB, "mcp-servers/update", agent, { server_id: "shop", enabled: false })).status, 200);
  assertEquals((await call(agent, "amazon.echo")).body.error.data.code, "server_disabled");
  assertEquals((await listTools(agent)).filter((name) => name.startsWith("amazon.")), []);
});

Deno.test("tenants with the same server_id share no process and no credential", async () => {
  const [first, second, third] = [await newAgent(), await newAgent(), await newAgent()];
  const agents = [first, second, third];
  for (const agent of agents) await register(agent);
  await store(first, "amazon", SECRETS.api_key);
  await store(second, "amazon", SECRETS.other);
  const lengths = await Promise.all(agents.map(lengthOfKey));
  assertEquals(lengths, [SECRETS.api_key.length, SECRETS.other.length, 0].map((length) => `length-${length}`));
});

Deno.test("a tenant learns that the Executor has no key of its organization, and none of its servers runs", async () => {
  const { agent } = await newTenant();
  await register(agent);
  const { body } = await call(agent, "amazon.echo", { value: "hello" });
  assertEquals(body.result._meta["key-vault-executor/error"], "vault_unavailable");
});

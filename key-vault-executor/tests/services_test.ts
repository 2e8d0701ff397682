/** Keys that are limited to certain services. */

import { assert, assertEquals } from "@std/assert";
import { issueApiKey, issueKernel } from "../../scripts/admin/client/operator.ts";
import {
  assertRefused,
  get,
  newTenant,
  post,
  type Reply,
  send,
  stack,
  type Tenant,
} from "../../scripts/test/support/client.ts";

const VAULT = "key-vault-executor";

interface Limited {
  tenant: Tenant;
  /** Sends a request with a key that is limited to those services. */
  ask(path: string, body?: Record<string, unknown>): Promise<Reply>;
  /** The ids of the tenant's credentials, by service. */
  ids: Record<string, string>;
}

async function limited(kind: "agent" | "kernel", services: string[], scopes?: string[]): Promise<Limited> {
  const tenant = await newTenant();
  const options = { name: "limited", services, ...(scopes && { scopes }) };
  const { key } = kind === "agent"
    ? await issueApiKey(stack.governance_hub, tenant.id, options)
    : await issueKernel(stack.governance_hub, stack.kernel_hmac_secret, tenant.organizationId, options);
  const ids: Record<string, string> = {};
  for (const service of ["amazon", "stripe", "shopify"]) {
    const reply = await post(VAULT, "credentials/store", tenant.agent, { service, credentials: { of: service } });
    ids[service] = reply.body.data.credential_id;
  }
  const named = kind === "kernel" ? { tenant_id: tenant.id } : {};
  const ask = (path: string, body?: Record<string, unknown>) =>
    body
      ? send(VAULT, path, { key, body: { ...body, ...named } })
      : send(VAULT, `${path}${path.includes("?") ? "&" : "?"}${new URLSearchParams(named)}`, { key });
  return { tenant, ask, ids };
}

function servicesOf(reply: Reply): string[] {
  assertEquals(reply.status, 200, reply.text);
  return (reply.body.data.credentials ?? reply.body.data.events).map((row: { service: string }) => row.service);
}

function assertLimited(reply: Reply, scope: string): void {
  assertRefused(reply, 403, "insufficient_scope");
  assert(reply.body.error.message.includes(`${scope} only for certain services`), reply.text);
}

for (const kind of ["agent", "kernel"] as const) {
  Deno.test(`${kind}: a key for one service can use its credentials, and sees no others`, async () => {
    const { ask, ids, tenant } = await limited(kind, ["amazon"]);
    assertEquals((await ask("credentials/retrieve", { service: "amazon" })).body.data.credentials, { of: "amazon" });
    assertEquals((await ask("credentials/retrieve", { credential_id: ids.amazon })).status, 200);
    assertEquals((await ask("credentials/store", { service: "amazon", credentials: { a: 1 } })).status, 200);
    assertEquals(servicesOf(await ask("credentials/list")), ["amazon"]);
    assertEquals(servicesOf(await ask("credentials/list?service=amazon")), ["amazon"]);
    assertEquals(new Set(servicesOf(await ask("credentials/events"))), new Set(["amazon"]));
    assertEquals((await ask("credentials/delete", { service: "amazon" })).status, 200);
    assertEquals(servicesOf(await get(VAULT, "credentials/list", tenant.agent)), ["shopify", "stripe"]);
  });

  Deno.test(`${kind}: a key for some services gets 403 for other services by name, and 404 by id`, async () => {
    const { ask, ids, tenant } = await limited(kind, ["amazon", "shopify"]);
    const before = (await get(VAULT, "credentials/list", tenant.agent)).body.data;
    assertLimited(await ask("credentials/retrieve", { service: "stripe" }), "credentials:reveal");
    assertLimited(await ask("credentials/retrieve", { service: "missing" }), "credentials:reveal");
    assertLimited(await ask("credentials/delete", { service: "stripe" }), "credentials:write");
    assertLimited(await ask("credentials/store", { service: "stripe", credentials: { a: 1 } }), "credentials:write");
    assertLimited(await ask("credentials/store", { service: "new", credentials: { a: 1 } }), "credentials:write");
    assertLimited(await ask("credentials/list?service=stripe"), "credentials:read");
    assertLimited(await ask("credentials/events?service=stripe"), "credentials:read");
    assertRefused(await ask("credentials/retrieve", { credential_id: ids.stripe }), 404, "not_found");
    assertRefused(await ask("credentials/delete", { credential_id: ids.stripe }), 404, "not_found");
    assertEquals(servicesOf(await ask("credentials/list")), ["amazon", "shopify"]);
    assertEquals((await get(VAULT, "credentials/list", tenant.agent)).body.data, before);
    assertEquals(servicesOf(await get(VAULT, "credentials/events", tenant.agent)).length, 3);
  });

  Deno.test(`${kind}: a key for no service can use no credential, and scopes limit a key further`, async () => {
    const none = await limited(kind, []);
    assertEquals(servicesOf(await none.ask("credentials/list")), []);
    assertLimited(await none.ask("credentials/retrieve", { service: "amazon" }), "credentials:reveal");
    const reveal = await limited(kind, ["amazon"], ["credentials:reveal"]);
    assertEquals((await reveal.ask("credentials/retrieve", { service: "amazon" })).status, 200);
    assertRefused(await reveal.ask("credentials/list"), 403, "insufficient_scope");
    assertRefused(await reveal.ask("credentials/delete", { service: "amazon" }), 403, "insufficient_scope");
    assertLimited(await reveal.ask("credentials/retrieve", { service: "stripe" }), "credentials:reveal");
  });
}

Deno.test("a limit is the exact name of a service: case counts, and no name is a pattern", async () => {
  const { ask } = await limited("agent", ["Amazon", "amazo", "amazon.", "a"]);
  assertEquals(servicesOf(await ask("credentials/list")), []);
  assertLimited(await ask("credentials/retrieve", { service: "amazon" }), "credentials:reveal");
});

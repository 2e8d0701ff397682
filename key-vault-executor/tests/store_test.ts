import { assertEquals, assertMatch } from "@std/assert";
import { PostgrestClient } from "@supabase/postgrest-js";
import { assertRefused, get, newTenant, post, RFC3339, stack, UUID } from "../../scripts/test/support/client.ts";

const VAULT = "key-vault-executor";
const EXAMPLE = {
  service: "amazon",
  credentials: { api_key: "AKIAIOSFODNN7EXAMPLE", secret_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" },
  credential_type: "api_key",
};

for (const path of ["credentials/store", "credentials-store"]) {
  Deno.test(`POST /${path} answers 201 for a new credential, as the specification shows it`, async () => {
    const { agent } = await newTenant();
    const { status, body } = await post(VAULT, path, agent, EXAMPLE);
    const { credential_id, created_at, ...rest } = body.data;
    assertEquals([status, body.ok, body.status], [201, true, "success"]);
    assertEquals(rest, { service: "amazon", credential_type: "api_key" });
    assertMatch(credential_id, UUID);
    assertMatch(created_at, RFC3339);
  });

  Deno.test(`POST /${path} answers 200 and replaces an existing credential, but keeps its id`, async () => {
    const { agent } = await newTenant();
    const first = await post(VAULT, path, agent, { service: "amazon", credentials: { a: 1 } });
    const second = await post(VAULT, path, agent, { ...EXAMPLE, credentials: { b: 2 } });
    assertEquals([second.status, second.body.data], [200, first.body.data]);
    const [listed] = (await get(VAULT, "credentials/list", agent)).body.data.credentials;
    assertEquals(listed.updated_at > listed.created_at, true);
    const retrieved = await post(VAULT, "credentials/retrieve", agent, { service: "amazon" });
    assertEquals(retrieved.body.data.credentials, { b: 2 });
  });

  Deno.test(`POST /${path} keeps services, types and tenants apart`, async () => {
    const [one, two] = [await newTenant(), await newTenant()];
    const rows = [
      [one, "amazon", "api_key"],
      [one, "amazon", "oauth_token"],
      [one, "Amazon", "api_key"],
      [two, "amazon", "api_key"],
    ] as const;
    for (const [index, [tenant, service, credential_type]] of rows.entries()) {
      const reply = await post(VAULT, path, tenant.agent, { service, credential_type, credentials: { index } });
      assertEquals(reply.status, 201, reply.asked);
    }
    for (const [index, [tenant, service, credential_type]] of rows.entries()) {
      const reply = await post(VAULT, "credentials/retrieve", tenant.agent, { service, credential_type });
      assertEquals(reply.body.data.credentials, { index }, reply.asked);
    }
  });

  Deno.test(`POST /${path} lets a kernel store for a tenant of its organization`, async () => {
    const { agent, kernel, id } = await newTenant();
    assertEquals((await post(VAULT, path, kernel, { ...EXAMPLE, tenant_id: id })).status, 201);
    const retrieved = await post(VAULT, "credentials/retrieve", agent, { service: "amazon" });
    assertEquals(retrieved.body.data.credentials, EXAMPLE.credentials);
  });

  Deno.test(`POST /${path} answers 400 to malformed or inexact values, and writes nothing`, async () => {
    const { agent } = await newTenant();
    const { credentials } = EXAMPLE;
    const bad: [string, string][] = [
      ["service", JSON.stringify({ credentials })],
      ["service", JSON.stringify({ service: "a b", credentials })],
      ["credential_type", JSON.stringify({ service: "a", credential_type: "", credentials })],
      ["credentials", JSON.stringify({ service: "a" })],
      ["credentials", JSON.stringify({ service: "a", credentials: {} })],
      ["credentials", JSON.stringify({ service: "a", credentials: "AKIA" })],
      ["credentials", JSON.stringify({ service: "a", credentials: { k: "x".repeat(65_536) } })],
      ["credentials", '{"service":"a","credentials":{"n":9007199254740993}}'],
      ["credentials", '{"service":"a","credentials":{"n":1e400}}'],
      ["credentials", '{"service":"a","credentials":{"n":1,"n":2}}'],
      ["credentials", `{"service":"a","credentials":${'{"a":'.repeat(33)}1${"}".repeat(33)}}`],
    ];
    for (const [field, body] of bad) {
      const reply = await post(VAULT, path, agent, body);
      assertRefused(reply, 400, "invalid_request", field);
      assertEquals(reply.body.status, "error", reply.asked);
      assertEquals(/AKIA|wJalr|9007199/.test(reply.text), false, reply.text);
    }
    assertEquals((await get(VAULT, "credentials/list", agent)).body.data.count, 0);
  });
}

Deno.test("POST /credentials/store answers 409 above the tenant's quota, still replaces, and accepts another after a delete", async () => {
  const { agent, id } = await newTenant();
  const { url, secret_key } = stack.key_vault_executor;
  const { data } = await new PostgrestClient(`${url}/rest/v1`, { headers: { apikey: secret_key } })
    .rpc("set_credential_quota", { tenant_id: id, max_credentials: 1 });
  assertEquals(data, { credentials: 0, max_credentials: 1 });
  const store = (service: string) => post(VAULT, "credentials/store", agent, { service, credentials: { a: 1 } });
  assertEquals((await store("amazon")).status, 201);
  const refused = await store("stripe");
  assertRefused(refused, 409, "quota_exceeded");
  assertEquals(refused.body.error.quota, 1);
  assertMatch(refused.body.error.message, /quota of 1; delete one, or ask the operator for a larger quota/);
  assertEquals((await store("amazon")).status, 200);
  assertEquals((await post(VAULT, "credentials/delete", agent, { service: "amazon" })).status, 200);
  assertEquals((await store("stripe")).status, 201);
});

Deno.test("every time in the vault's answers has six digits of a second and the offset +00:00", async () => {
  const { agent } = await newTenant();
  const stored = await post(VAULT, "credentials/store", agent, EXAMPLE);
  await post(VAULT, "credentials/retrieve", agent, { service: "amazon" });
  const [listed] = (await get(VAULT, "credentials/list", agent)).body.data.credentials;
  const { events } = (await get(VAULT, "credentials/events", agent)).body.data;
  const times = [stored.body.data.created_at, listed.created_at, listed.updated_at, listed.last_used_at];
  times.push(...events.map(({ occurred_at }: { occurred_at: string }) => occurred_at));
  assertEquals(times.length, 6);
  for (const time of times) assertMatch(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/, times.join());
});

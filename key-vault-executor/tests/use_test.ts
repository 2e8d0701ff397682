import { assert, assertEquals } from "@std/assert";
import { makeDecisionKeys } from "shared/decision/decision_keys.ts";
import { serveFunction } from "../../scripts/test/support/serve_function.ts";
import { assertRefused, get, post, send, stack, type Tenant } from "../../scripts/test/support/client.ts";
import { plant } from "../../scripts/test/support/plant.ts";
import { decided, newUseCase, serverWith, sign, store, use } from "../../scripts/test/support/use.ts";
import { vaultCredentials } from "../executor/launch/credentials.ts";

const VAULT = "key-vault-executor";

async function eventsOf({ agent }: Tenant, action = "use") {
  return (await get(VAULT, `credentials/events?action=${action}`, agent)).body.data.events;
}

Deno.test("POST /credentials/use answers a service's credentials to an Executor, for an agent that cannot read them", async () => {
  const it = await newUseCase();
  const credentials = JSON.parse('{"api_key":"amazon-canary","__proto__":{"x":[1.5,null]},"t":"\\n\\u0000"}');
  const credential_id = await store(it.tenant, "amazon", credentials);
  const other_id = await store(it.tenant, "amazon", { token: "x" }, "oauth");
  await store(it.tenant, "stripe", { api_key: "stripe-canary" });
  const reply = await use(it, sign(decided(it)));
  assertEquals([reply.status, reply.headers.get("cache-control")], [200, "no-store"], reply.text);
  assertEquals(reply.body, {
    ok: true,
    status: "success",
    data: {
      credentials: [
        { credential_id, service: "amazon", credential_type: "api_key", credentials },
        { credential_id: other_id, service: "amazon", credential_type: "oauth", credentials: { token: "x" } },
      ],
    },
  });
  assertRefused(
    await post(VAULT, "credentials/retrieve", it.agentKey, { service: "amazon" }),
    403,
    "insufficient_scope",
  );
  const retrieved = await post(VAULT, "credentials/retrieve", it.executor, {
    service: "amazon",
    tenant_id: it.tenant.id,
  });
  assertRefused(retrieved, 403, "insufficient_scope");
});

Deno.test("POST /credentials/use answers an empty list if the service has no credential", async () => {
  const it = await newUseCase();
  await store(it.tenant, "stripe", { a: 1 });
  const reply = await use(it, sign(decided(it)));
  assertEquals([reply.status, reply.body.data], [200, { credentials: [] }]);
  assertEquals(await eventsOf(it.tenant), []);
});

Deno.test("POST /credentials/use accepts a decision for a list for each of its servers, and the same one again", async () => {
  const it = await newUseCase();
  await store(it.tenant, "amazon", { a: 1 });
  await store(it.tenant, "acme.billing", { b: 2 });
  const servers = [serverWith("stripe."), serverWith("acme.billing."), serverWith("amazon.")];
  const decision = sign(decided(it, { servers }));
  for (const [service, credentials] of [["amazon", { a: 1 }], ["acme.billing", { b: 2 }], ["amazon", { a: 1 }]]) {
    const reply = await use(it, decision, { service });
    assertEquals([reply.status, reply.body.data?.credentials[0]?.credentials], [200, credentials], reply.text);
  }
  assertEquals((await eventsOf(it.tenant)).map((event: Record<string, string>) => event.server_id), [
    "server-of-amazon.",
    "server-of-acme.billing.",
    "server-of-amazon.",
  ]);
});

Deno.test("POST /credentials/use records who called, which Executor, the server and the call's id, and no value", async () => {
  const it = await newUseCase();
  const credential_id = await store(it.tenant, "amazon", { api_key: "event-canary" });
  const subject = decided(it, { jti: "call-1" });
  await use(it, await sign(subject));
  const listed = await get(VAULT, "credentials/events", it.tenant.agent);
  assert(!listed.text.includes("event-canary"));
  const [used, stored] = listed.body.data.events;
  const named = { credential_id, service: "amazon", credential_type: "api_key" };
  const { id: _, occurred_at, ...rest } = used;
  assertEquals(rest, {
    action: "use",
    ...named,
    actor_kind: "agent",
    actor_id: it.agentId,
    request_id: "call-1",
    executor_id: it.executorId,
    server_id: "server-of-amazon.",
  });
  assertEquals([stored.action, stored.executor_id, stored.server_id], ["store", null, null]);
  const [row] = (await get(VAULT, "credentials/list", it.tenant.agent)).body.data.credentials;
  assert(row.last_used_at !== null && row.last_used_at <= occurred_at, JSON.stringify(row));
});

Deno.test("POST /credentials/use answers ten credentials at most, and api_key among them", async () => {
  const it = await newUseCase();
  for (const type of ["b", "a", "c", "d", "e", "f", "g", "h", "i", "j", "k", "api_key"]) {
    await store(it.tenant, "amazon", { type }, type);
  }
  const { body } = await use(it, sign(decided(it)));
  const types = body.data.credentials.map((row: Record<string, string>) => row.credential_type);
  assertEquals(types, ["a", "api_key", "b", "c", "d", "e", "f", "g", "h", "i"]);
  assertEquals((await eventsOf(it.tenant)).length, 10);
});

Deno.test("POST /credentials/use answers 500 if the stored bytes cannot be decrypted, and 503 without their key", async () => {
  const it = await newUseCase();
  await plant(it.tenant.id, "amazon", new Uint8Array(64));
  assertRefused(await use(it, sign(decided(it))), 500, "credential_unreadable");
  await plant(it.tenant.id, "amazon", new Uint8Array(64), "0123456789abcdef");
  const before = (await get(VAULT, "credentials/list", it.tenant.agent)).body.data;
  const reply = await use(it, sign(decided(it)));
  assertRefused(reply, 503, "unavailable");
  assert(!reply.text.includes("0123456789abcdef"));
  assertEquals((await get(VAULT, "credentials/list", it.tenant.agent)).body.data, before);
});

Deno.test("the Executor's own vaultCredentials() gets them, and throws with a refusal's code", async () => {
  const it = await newUseCase();
  await store(it.tenant, "amazon", { api_key: "x", nested: [1] });
  const source = vaultCredentials({ url: stack.key_vault_executor.url, keys: [it.executor] });
  const request = { tenantId: it.tenant.id, service: "amazon", decision: sign(decided(it)) };
  assertEquals(await source(request), [
    { service: "amazon", credential_type: "api_key", credentials: { api_key: "x", nested: [1] } },
  ]);
  const server = serverWith("none.");
  assertEquals(
    await source({ ...request, service: "none", decision: sign(decided(it, { server })) }),
    [],
  );
  const refused = await source({ ...request, service: "stripe" }).catch((error: Error) => error.cause);
  assertEquals(refused, "the vault answered decision_refused");
});

/** A second vault on the stack's database and hub. */
function serveVault(variables: Record<string, string>) {
  const { governance_hub: hub, key_vault_executor: vault } = stack;
  return serveFunction(VAULT, "credentials", {
    SUPABASE_URL: vault.url,
    SUPABASE_SECRET_KEYS: JSON.stringify({ default: vault.secret_key }),
    KERNEL_HMAC_SECRET: stack.kernel_hmac_secret,
    REPO_B_URL: hub.url,
    REPO_B_SERVICE_KEY: hub.secret_key,
    CREDENTIAL_ENCRYPTION_KEY: stack.credential_encryption_key,
    ...variables,
  });
}

Deno.test("credentials/use says what to set without DECISION_VERIFY_KEYS, and logs no value, decision or key", async () => {
  const it = await newUseCase();
  await store(it.tenant, "amazon", { api_key: "log-canary" });
  const other = await makeDecisionKeys();
  const good = sign(decided(it));
  const bad = sign(decided(it), other.signingKey);
  const cases: [variables: Record<string, string>, decision: string, status: number, logged: string][] = [
    [{}, good, 503, '"cause":"DECISION_VERIFY_KEYS is not set, so no decision can be verified: set it to public keys'],
    [{ DECISION_VERIFY_KEYS: stack.decision_verify_keys }, good, 200, '"status":200'],
    [{ DECISION_VERIFY_KEYS: `${other.verifyKey},${stack.decision_verify_keys}` }, good, 200, '"status":200'],
    [{ DECISION_VERIFY_KEYS: stack.decision_verify_keys }, bad, 403, '"cause":"no key of DECISION_VERIFY_KEYS signed'],
  ];
  for (const [variables, decision, status, logged] of cases) {
    const vault = await serveVault(variables);
    try {
      const response = await fetch(`${vault.url}/credentials/use`, {
        method: "POST",
        headers: { authorization: `Bearer ${it.executor}`, "content-type": "application/json" },
        body: JSON.stringify({ tenant_id: it.tenant.id, service: "amazon", decision }),
      });
      const text = await response.text();
      assertEquals([response.status, text.includes("log-canary")], [status, status === 200], text);
      if (status === 503) assert(text.includes("must set DECISION_VERIFY_KEYS"), text);
      const output = vault.output();
      assert(output.includes(logged), output);
      const [, payload = "", signature = ""] = decision.split(".");
      for (const secret of ["log-canary", payload, signature, it.executor]) assert(!output.includes(secret), output);
    } finally {
      await vault.stop();
    }
  }
});

Deno.test("POST /credentials/use has no separate function", async () => {
  assertEquals((await send(VAULT, "credentials-use", { method: "POST" })).status, 404);
});

import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ApiError } from "../api_error.ts";
import { digestCaller, readKey, requireTenant } from "./presented_key.ts";
import { apiKeyDigest, generateKey, importKernelSecret, kernelKeyDigest } from "./api_key.ts";

const agentKey = generateKey("agent");
const kernelKey = generateKey("kernel");
const TENANT = "0b7f2c1e-6c1c-4a52-9d27-3a1c0f0d9b11";

function refusal(headers: Record<string, string>): string {
  return assertThrows(() => readKey(new Headers(headers)), ApiError).code;
}

Deno.test("readKey() reads an agent's key and a kernel's", () => {
  assertEquals(readKey(new Headers({ "x-api-key": agentKey })), { kind: "agent", key: agentKey });
  assertEquals(readKey(new Headers({ authorization: `bearer ${kernelKey}` })), { kind: "kernel", key: kernelKey });
});

Deno.test("readKey() ignores a Supabase client's own bearer token next to X-API-Key", () => {
  for (const token of ["eyJhbGciOiJIUzI1NiJ9.e30.x", "sb_publishable_x"]) {
    const headers = new Headers({ "x-api-key": agentKey, authorization: `Bearer ${token}` });
    assertEquals(readKey(headers).kind, "agent", token);
  }
});

Deno.test("readKey() refuses both kinds of key in one request, well formed or not", () => {
  assertEquals(refusal({ "x-api-key": agentKey, authorization: `Bearer ${kernelKey}` }), "ambiguous_credentials");
  for (const authorization of ["Bearer krn_x", `Bearer ${kernelKey} x`, `Bearer ${kernelKey}, Bearer ${kernelKey}`]) {
    assertEquals(refusal({ "x-api-key": agentKey, authorization }), "ambiguous_credentials", authorization);
  }
});

Deno.test("readKey() refuses a missing key, a malformed key, and a key in the header of the other kind", () => {
  const cases: Record<string, string>[] = [
    {},
    { "x-api-key": "" },
    { "x-api-key": kernelKey },
    { "x-api-key": `${agentKey.slice(0, -1)}!` },
    { "x-api-key": `${agentKey}, ${agentKey}` },
    { authorization: kernelKey },
    { authorization: `Basic ${kernelKey}` },
    { authorization: `Bearer ${agentKey}` },
    { authorization: `Bearer ${kernelKey} x` },
    { authorization: `Bearer ${kernelKey.slice(0, -1)}` },
  ];
  for (const headers of cases) assertEquals(refusal(headers), "unauthenticated", JSON.stringify(headers));
});

Deno.test("digestCaller() returns an agent's digest, with the tenant only if the request names one", async () => {
  const api_key_sha256 = apiKeyDigest(agentKey);
  const presented = { kind: "agent", key: agentKey, requestId: "r1" } as const;
  const request_id = "r1";
  assertEquals(await digestCaller({ ...presented, tenantId: undefined }, undefined), { api_key_sha256, request_id });
  const named = await digestCaller({ ...presented, tenantId: TENANT }, undefined);
  assertEquals(named, { api_key_sha256, tenant_id: TENANT, request_id });
});

Deno.test("requireTenant() requires a tenant only from a kernel", () => {
  requireTenant({ kind: "agent", key: agentKey }, undefined);
  requireTenant({ kind: "kernel", key: kernelKey }, TENANT);
  const error = assertThrows(() => requireTenant({ kind: "kernel", key: kernelKey }, undefined), ApiError);
  assertEquals([error.code, error.fields?.[0]?.path], ["invalid_request", "tenant_id"]);
});

Deno.test("digestCaller() needs the secret for a kernel", async () => {
  const presented = { kind: "kernel", key: kernelKey, tenantId: TENANT, requestId: "r1" } as const;
  const secret = await importKernelSecret(new Uint8Array(32));
  assertEquals((await assertRejects(() => digestCaller(presented, undefined), ApiError)).code, "unavailable");
  assertEquals(await digestCaller(presented, secret), {
    request_id: "r1",
    kernel_key_hmac: await kernelKeyDigest(secret, kernelKey),
    tenant_id: TENANT,
  });
});

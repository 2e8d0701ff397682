import { assertEquals, assertRejects } from "@std/assert";
import { ToolCallError } from "../tool_call_error.ts";
import { vaultCredentials } from "./credentials.ts";

const REQUEST = { tenantId: "11111111-1111-4111-8111-111111111111", service: "amazon", decision: "a.b.c" };

/** A peer that answers as it is told, and what it was asked. */
async function withVault(
  answer: (key: string | null) => Response | Promise<Response>,
  test: (url: string, seen: Request[]) => Promise<void>,
) {
  const seen: Request[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    seen.push(
      new Request(request.url, { method: request.method, headers: request.headers, body: await request.text() }),
    );
    return await answer(request.headers.get("authorization"));
  });
  try {
    await test(`http://127.0.0.1:${server.addr.port}`, seen);
  } finally {
    await server.shutdown();
  }
}

async function causeOf(work: () => Promise<unknown>): Promise<unknown> {
  const error = await assertRejects(work, ToolCallError);
  assertEquals(error.code, "vault_unavailable");
  return error.cause;
}

Deno.test("vaultCredentials() asks with its own key and the decision", async () => {
  const credentials = [{ service: "amazon", credential_type: "api_key", credentials: { api_key: "x", nested: [1] } }];
  await withVault(() => Response.json({ ok: true, status: "success", data: { credentials } }), async (url, seen) => {
    assertEquals(await vaultCredentials({ url, keys: ["krn_test"] })(REQUEST), credentials);
    const [request] = seen;
    assertEquals(request?.method, "POST");
    assertEquals(request && new URL(request.url).pathname, "/functions/v1/credentials/use");
    assertEquals(request?.headers.get("authorization"), "Bearer krn_test");
    assertEquals(await request?.json(), { tenant_id: REQUEST.tenantId, service: "amazon", decision: "a.b.c" });
  });
});

Deno.test("vaultCredentials() tells a refusal's code, and nothing else of the answer", async () => {
  const refusal = { ok: false, status: "error", error: { code: "insufficient_scope", message: "SECRET" } };
  await withVault(() => Response.json(refusal, { status: 403 }), async (url) => {
    assertEquals(
      await causeOf(() => vaultCredentials({ url, keys: ["k"] })(REQUEST)),
      "the vault answered insufficient_scope",
    );
  });
  for (const body of ["SECRET", '{"ok": true, "data": "SECRET"}', "[]", ""]) {
    await withVault(() => new Response(body), async (url) => {
      const cause = String(await causeOf(() => vaultCredentials({ url, keys: ["k"] })(REQUEST)));
      assertEquals(cause.includes("SECRET"), false, cause);
    });
  }
});

Deno.test("vaultCredentials() follows no redirect with its key", async () => {
  let isReached = false;
  await withVault(() => (isReached = true, Response.json({})), async (other) => {
    await withVault(() => Response.redirect(other, 307), async (url) => {
      await causeOf(() => vaultCredentials({ url, keys: ["k"] })(REQUEST));
    });
  });
  assertEquals(isReached, false);
});

Deno.test("vaultCredentials() waits for its limit only, and reads no endless answer", async () => {
  const gate = Promise.withResolvers<Response>();
  await withVault(() => gate.promise, async (url) => {
    await causeOf(() => vaultCredentials({ url, keys: ["k"], timeoutMs: 100 })(REQUEST));
    gate.resolve(new Response());
  });
  const endless = () => new Response(new ReadableStream({ pull: (control) => control.enqueue(new Uint8Array(65536)) }));
  await withVault(endless, async (url) => {
    assertEquals(
      await causeOf(() => vaultCredentials({ url, keys: ["k"] })(REQUEST)),
      "the vault did not answer: RangeError",
    );
  });
  await causeOf(() => vaultCredentials({ url: "http://127.0.0.1:1", keys: ["k"] })(REQUEST));
});

Deno.test("vaultCredentials() finds the key of the tenant's organization, and asks with it first from then on", async () => {
  const refusal = { ok: false, status: "error", error: { code: "tenant_not_allowed" } };
  const answer = (key: string | null) =>
    key === "Bearer krn_b"
      ? Response.json({ ok: true, data: { credentials: [] } })
      : Response.json(refusal, { status: 403 });
  await withVault(answer, async (url, seen) => {
    const credentials = vaultCredentials({ url, keys: ["krn_a", "krn_b"] });
    for (let asked = 0; asked < 2; asked++) assertEquals(await credentials(REQUEST), [], `request ${asked}`);
    const keys = ["krn_a", "krn_b", "krn_b"].map((key) => `Bearer ${key}`);
    assertEquals(seen.map(({ headers }) => headers.get("authorization")), keys);
    const without = vaultCredentials({ url, keys: ["krn_a"] });
    assertEquals(await causeOf(() => without(REQUEST)), "EXECUTOR_KEY has no key of the tenant's organization");
  });
});

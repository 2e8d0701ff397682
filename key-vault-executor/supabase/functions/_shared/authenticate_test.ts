import { assert, assertEquals } from "@std/assert";
import { ApiError } from "shared/api_error.ts";
import type { Call } from "shared/http/endpoint.ts";
import type { VaultEnvironment } from "shared/environment.ts";
import { generateKey } from "shared/auth/api_key.ts";
import { importKeyring } from "shared/crypto/keyring.ts";
import { authenticate } from "./authenticate.ts";

const key = generateKey("agent");
const keyring = await importKeyring(new Uint8Array(32), []);
const ACTOR = { kind: "agent", id: "a1", organization_id: "o1", scopes: ["credentials:read"], services: null };

/** Calls authenticate() with a local server as the hub, for answers that a real hub gives only when it fails. */
async function ask(answer: (request: Request) => Response | Promise<Response>) {
  const requests: Request[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    requests.push(request.clone());
    return await answer(request);
  });
  const url = `http://127.0.0.1:${server.addr.port}`;
  const environment: VaultEnvironment = {
    database: { url, secretKey: "" },
    kernelSecret: undefined,
    hub: { url, publishableKey: "sb_publishable_x" },
    keyring,
    verifyKeys: undefined,
  };
  const presented = { kind: "agent", key, tenantId: undefined, requestId: "r1" } as const;
  const call: Call<VaultEnvironment, unknown> = {
    environment,
    input: {},
    presented,
    headers: new Headers(),
    noteCaller: () => {},
  };
  const begun = performance.now();
  try {
    const outcome = await authenticate(call).catch((error: unknown) => error);
    return { outcome, requests, ms: performance.now() - begun };
  } finally {
    await server.shutdown();
  }
}

async function codeOf(answer: () => Response | Promise<Response>): Promise<string> {
  const { outcome } = await ask(answer);
  assert(outcome instanceof ApiError, String(outcome));
  return outcome.code;
}

Deno.test("authenticate() without the hub's secret key asks authorize with the caller's own key", async () => {
  const { outcome, requests } = await ask(() =>
    Response.json({ data: { tenant_id: "t1", allowed: true, actor: ACTOR } })
  );
  assertEquals(outcome, { tenant_id: "t1", ...ACTOR, request_id: "r1" });
  const [request] = requests;
  assertEquals([request?.method, new URL(request?.url ?? "").pathname], ["POST", "/functions/v1/authorize"]);
  const sent = ["x-api-key", "apikey", "x-request-id"].map((name) => request?.headers.get(name));
  assertEquals(sent, [key, "sb_publishable_x", "r1"]);
});

Deno.test("authenticate() passes on the hub's 401 and 403, and throws unavailable for any other answer", async () => {
  const refuse = (status: number, code: string) => () => Response.json({ error: { code } }, { status });
  assertEquals(await codeOf(refuse(401, "unauthenticated")), "unauthenticated");
  assertEquals(await codeOf(refuse(403, "tenant_not_allowed")), "tenant_not_allowed");
  for (
    const [status, code] of [[401, "other"], [403, "insufficient_scope"], [404, "not_found"], [
      503,
      "unavailable",
    ]] as const
  ) {
    assertEquals(await codeOf(refuse(status, code)), "unavailable", `${status} ${code}`);
  }
  assertEquals(await codeOf(() => new Response("<html>")), "unavailable");
  for (const actor of [{ kind: "agent" }, { ...ACTOR, kind: "operator" }]) {
    assertEquals(await codeOf(() => Response.json({ data: { tenant_id: "t1", actor } })), "unavailable", actor.kind);
  }
});

Deno.test("authenticate() does not follow redirects, which would leak the caller's key", async () => {
  const seen: string[] = [];
  const other = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    seen.push(request.headers.get("x-api-key") ?? "");
    return Response.json({ data: { tenant_id: "t1", actor: ACTOR } });
  });
  const location = `http://127.0.0.1:${other.addr.port}/`;
  for (const status of [301, 307, 308]) {
    assertEquals(await codeOf(() => new Response(null, { status, headers: { location } })), "unavailable", `${status}`);
  }
  await other.shutdown();
  assertEquals(seen, []);
});

Deno.test("authenticate() gives up on a silent hub within two seconds", async () => {
  const { outcome, ms } = await ask(() => new Promise((resolve) => setTimeout(() => resolve(new Response()), 2500)));
  assert(outcome instanceof ApiError && outcome.code === "unavailable");
  assert(ms < 2000, `${ms} ms`);
});

import { assert, assertEquals, assertRejects } from "@std/assert";
import { ApiError } from "../api_error.ts";
import { callFunction } from "./call_function.ts";
import type { Actor } from "../request_log.ts";

/** Calls a local data API that gives every call the same answer. Returns the outcome and the calls that arrived. */
async function callWith(status: number, body: unknown, secretKey = "sb_secret_x") {
  const asked: { method: string; path: string; apikey: string | null; authorization: string | null }[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const { method, headers } = request;
    const path = new URL(request.url).pathname;
    asked.push({ method, path, apikey: headers.get("apikey"), authorization: headers.get("authorization") });
    return typeof body === "string" ? new Response(body, { status }) : Response.json(body, { status });
  });
  let caller: Actor | undefined;
  try {
    const api = { url: `http://127.0.0.1:${server.addr.port}`, secretKey };
    const call = callFunction(api, "list_things", { filter: {} }, (actor) => caller = actor);
    const error = status < 400 ? undefined : await assertRejects(() => call, ApiError);
    return { data: error ? undefined : await call, error, caller, asked };
  } finally {
    await server.shutdown();
  }
}

function raised(status: number, message: string, details: unknown) {
  return callWith(status, { code: `PT${status}`, message, details: JSON.stringify(details), hint: null });
}

Deno.test("callFunction() posts to the function and returns its answer", async () => {
  const { data, asked } = await callWith(200, { data: [1] });
  assertEquals(data, { data: [1] });
  assertEquals(asked.map(({ method, path }) => [method, path]), [["POST", "/rest/v1/rpc/list_things"]]);
});

Deno.test("callFunction() sends a new secret key only as apikey, and a legacy key also as a bearer token", async () => {
  const [modern] = (await callWith(200, {})).asked;
  assertEquals([modern?.apikey, modern?.authorization], ["sb_secret_x", null]);
  const [legacy] = (await callWith(200, {}, "eyJ.e30.x")).asked;
  assertEquals([legacy?.apikey, legacy?.authorization], ["eyJ.e30.x", "Bearer eyJ.e30.x"]);
});

Deno.test("callFunction() turns an error that a function raised into the matching ApiError", async () => {
  const holder = { server_id: "a", tool_prefix: "amazon." };
  const cases = [
    [401, "unauthenticated", {}, /X-API-Key/],
    [403, "tenant_not_allowed", {}, /that tenant/],
    [403, "insufficient_scope", { scope: "servers:read" }, /servers:read$/],
    [404, "not_found", {}, /not found in this tenant/],
    [409, "server_id_taken", {}, /server_id/],
    [409, "tool_prefix_taken", { holder }, /"amazon\." of the server a/],
    [409, "quota_exceeded", { quota: 10000 }, /quota of 10000; delete one, or ask the operator/],
    [409, "tool_prefix_taken", { holder: null }, /another server/],
  ] as const;
  for (const [status, code, detail, message] of cases) {
    const { error } = await raised(status, code, detail);
    assertEquals([error?.status, error?.code], [status, code], String(message));
    assert(message.test(error?.message ?? ""), error?.message);
  }
  assertEquals((await raised(400, "cursor_of_another_tenant", {})).error?.fields?.[0]?.path, "cursor");
});

Deno.test("callFunction() reads the caller from an error", async () => {
  const caller = { tenant_id: "t", kind: "agent", id: "k" };
  assertEquals((await raised(404, "not_found", { caller })).caller, caller);
});

Deno.test("callFunction() throws unavailable if the cause is the database or our key", async () => {
  const cases = [
    [503, "PGRST000"],
    [503, "PGRST001"],
    [503, "PGRST002"],
    [504, "PGRST003"],
    [404, "PGRST202"],
    [503, "08006"],
    [503, "53300"],
    [500, "57014"],
    [500, "57P01"],
    [500, "55P03"],
    [500, "40001"],
    [500, "40P01"],
    [405, "25006"],
    [401, "42501"],
    [403, "42501"],
  ] as const;
  for (const [status, code] of cases) {
    const { error } = await callWith(status, { code, message: "canary", details: "canary", hint: null });
    assertEquals(error?.code, "unavailable", code);
    assert(!String(error?.cause).includes("canary"), code);
  }
  assertEquals((await callWith(401, { message: "Invalid API key" })).error?.code, "unavailable");
  assertEquals((await callWith(502, "<html>bad gateway</html>")).error?.code, "unavailable");
});

Deno.test("callFunction() throws internal for anything else, and logs the code without the row", async () => {
  for (const code of ["23514", "22P02", "42883", "P0001", "PGRST203", "PT500"]) {
    const { error } = await callWith(400, {
      code,
      message: "canary",
      details: "Failing row contains (canary)",
      hint: "",
    });
    assertEquals(error?.code, "internal", code);
    assert(String(error?.cause).includes(code) && !String(error?.cause).includes("canary"), code);
  }
  assertEquals((await raised(418, "teapot", {})).error?.code, "internal");
});

Deno.test("callFunction() throws unavailable if nothing listens", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = `http://127.0.0.1:${listener.addr.port}`;
  listener.close();
  const call = callFunction({ url, secretKey: "sb_x" }, "f", {}, () => {});
  assertEquals((await assertRejects(() => call, ApiError)).code, "unavailable");
});

Deno.test("callFunction() gives up within 6 seconds on a database that accepts but never answers", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted = listener.accept();
  const begun = performance.now();
  const call = callFunction({ url: `http://127.0.0.1:${listener.addr.port}`, secretKey: "sb_x" }, "f", {}, () => {});
  assertEquals((await assertRejects(() => call, ApiError)).code, "unavailable");
  assert(performance.now() - begun < 6000);
  (await accepted).close();
  listener.close();
});

Deno.test("callFunction() does not follow redirects: they would leak the secret key, and forge answers", async () => {
  let followed = 0;
  const other = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => {
    followed++;
    return Response.json({ data: "forged" });
  });
  const location = `http://127.0.0.1:${other.addr.port}/`;
  const first = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response(null, { status: 307, headers: { location } }),
  );
  try {
    const api = { url: `http://127.0.0.1:${first.addr.port}`, secretKey: "sb_secret_x" };
    const error = await assertRejects(() => callFunction(api, "list_things", { filter: {} }, () => {}), ApiError);
    assertEquals([error.code, followed], ["unavailable", 0]);
  } finally {
    await first.shutdown();
    await other.shutdown();
  }
});

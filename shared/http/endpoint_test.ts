import { assertEquals, assertMatch } from "@std/assert";
import * as z from "zod/mini";
import { ApiError } from "../api_error.ts";
import { endpoint } from "./endpoint.ts";
import { generateKey } from "../auth/api_key.ts";
import { once } from "../lazy.ts";
import type { Project } from "./respond.ts";
import { router } from "./router.ts";

const agentKey = generateKey("agent");

const project: Project<{ kernelSecret: undefined; database: { url: string; secretKey: string } }> = {
  title: "things",
  description: "Things.",
  success: { status: "success" },
  failure: { status: "error" },
  environment: () => Promise.resolve({ kernelSecret: undefined, database: { url: "", secretKey: "" } }),
};

const echo = endpoint({
  project,
  resource: "things",
  verb: "echo",
  method: "POST",
  about: () => ({
    summary: "Echo",
    description: "Returns its input.",
    data: z.object({ input: z.unknown(), presented: z.unknown() }),
  }),
  fields: () => ({ name: z.string(), note: z.optional(z.string()) }),
  rule: ({ name, note }) => name === note ? { path: "note", message: "must differ from name" } : undefined,
  answer: ({ input, presented }) => {
    if (input.name === "fail") throw new TypeError("canary");
    if (input.name === "refuse") throw new ApiError("not_found", "not here");
    return Promise.resolve({ status: 201, data: { input, presented } });
  },
});

function post(body: unknown, headers: Record<string, string> = {}, path = "things-echo"): Request {
  return new Request(`http://localhost/${path}`, {
    method: "POST",
    headers: { "x-api-key": agentKey, "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
}

Deno.test("endpoint() passes the input, the key, the tenant and the request's id to its answer", async () => {
  const body = { name: "x", tenant_id: "0B7F2C1E-6C1C-4A52-9D27-3A1C0F0D9B11" };
  const response = await echo.fetch(post(body, { "x-request-id": "r1" }));
  const tenantId = "0b7f2c1e-6c1c-4a52-9d27-3a1c0f0d9b11";
  const presented = { kind: "agent", key: agentKey, tenantId, requestId: "r1" };
  assertEquals(response.status, 201);
  assertEquals(await response.json(), { ok: true, status: "success", data: { input: { name: "x" }, presented } });
});

Deno.test("endpoint() answers with an ApiError that is thrown, and with internal for any other error", async () => {
  const refused = await echo.fetch(post({ name: "refuse" }, { "x-request-id": "r1" }));
  const error = { code: "not_found", message: "not here" };
  assertEquals(refused.status, 404);
  assertEquals(await refused.json(), { ok: false, status: "error", error, request_id: "r1" });
  const failed = await echo.fetch(post({ name: "fail" }));
  const { error: { code, message }, request_id } = await failed.json();
  assertEquals([failed.status, code, message.includes("canary")], [500, "internal", false]);
  assertEquals(request_id, failed.headers.get("x-request-id"));
});

Deno.test("endpoint() applies its rule after the fields", async () => {
  const response = await echo.fetch(post({ name: "x", note: "x" }));
  assertEquals((await response.json()).error.fields, [{ path: "note", message: "must differ from name" }]);
});

Deno.test("endpoint() refuses in the documented order", async () => {
  // Each request also has the faults of all later ones.
  const bad = "{" as unknown;
  const faults: [string, Request][] = [
    ["not_found", new Request("http://localhost/things-echo/x", { method: "PUT", body: "{" })],
    ["method_not_allowed", new Request("http://localhost/things-echo", { method: "PUT", body: "{" })],
    [
      "ambiguous_credentials",
      post(bad, { authorization: "Bearer krn_x", "x-api-key": "x", "content-type": "text/plain" }),
    ],
    ["unauthenticated", post(bad, { "x-api-key": "x", "content-type": "text/plain" })],
    ["unsupported_media_type", post(" ".repeat(200_000), { "content-type": "text/plain" }, "things-echo?x=1&x=2")],
    ["payload_too_large", post(" ".repeat(200_000))],
    ["invalid_json", new Request(post({}), { body: "{" })],
    ["invalid_request", post({ colour: 1 })],
  ];
  for (const [code, request] of faults) {
    const { error } = await (await echo.fetch(request)).json();
    assertEquals(error.code, code, code);
  }
});

Deno.test("endpoint() does not read the body of a caller without a key", async () => {
  let isRead = false;
  const body = new ReadableStream({
    pull() {
      isRead = true;
    },
  }, { highWaterMark: 0 });
  const response = await echo.fetch(new Request("http://localhost/things-echo", { method: "POST", body }));
  assertEquals([response.status, isRead], [401, false]);
});

Deno.test("router() dispatches by the segment after its own name, and answers 404 to any other path", async () => {
  const { fetch } = router({
    project,
    resource: "things",
    endpoints: [echo],
    document: "{}",
    probe: "list_mcp_servers",
  });
  assertEquals((await fetch(post({ name: "x" }, {}, "things/echo"))).status, 201);
  for (const path of ["things", "things/", "things/echo/", "things/Echo", "things%2Fecho", "things//echo", "echo"]) {
    const response = await fetch(post({ name: "x" }, {}, path));
    assertEquals([response.status, (await response.json()).error.code], [404, "not_found"], path);
    assertMatch(response.headers.get("x-request-id") ?? "", /^[0-9a-f-]{36}$/, path);
  }
});

Deno.test("once() makes one value, and also keeps a failure", async () => {
  let calls = 0;
  const make = once(() => Promise.reject(new Error(`${++calls}`)));
  const outcomes = await Promise.allSettled([make(), make()]);
  assertEquals([calls, outcomes.map((outcome) => outcome.status)], [1, ["rejected", "rejected"]]);
});

import { assertEquals } from "@std/assert";
import mcpServers from "governance-hub/supabase/functions/mcp-servers/index.ts";
import { faultsOf, type Received, type Sent } from "./check.ts";
import { readContract } from "./document.ts";

const response = await mcpServers.fetch(new Request("http://localhost/mcp-servers/openapi.json"));
const document = await response.json();
const contract = readContract(document);

const listed: Received = {
  status: 200,
  headers: new Headers({
    "content-type": "application/json",
    "x-request-id": "r1",
    etag: '"v1.7.0b7f2c1e-6c1c-4a52-9d27-3a1c0f0d9b11"',
  }),
  body: document.components.responses.McpServersList200.content["application/json"].example,
};

function faults(sent: Partial<Sent>, received: Partial<Received> = {}): string[] {
  return faultsOf(contract, { method: "GET", path: "mcp-servers/list", ...sent }, { ...listed, ...received });
}

function refusal(code: string, headers: Record<string, string> = {}): Partial<Received> {
  return {
    headers: new Headers({ "content-type": "application/json", "x-request-id": "r1", ...headers }),
    body: { ok: false, error: { code, message: "…" }, request_id: "r1" },
  };
}

Deno.test("faultsOf() finds no fault in a documented answer", () => {
  assertEquals(faults({}), []);
  assertEquals(faults({ path: "mcp-servers-list?limit=5&enabled_only=true&forceFunctionRegion=eu-west-1" }), []);
  assertEquals(faults({}, { status: 304, body: undefined }), []);
  assertEquals(faults({}, { status: 403, ...refusal("insufficient_scope") }), []);
});

Deno.test("faultsOf() finds a member that is undocumented, missing or of another type", () => {
  const { servers: [server], ...rest } = (listed.body as { data: { servers: object[] } }).data;
  const answer = (changed: object) => ({ body: { ok: true, data: { servers: [changed], ...rest } } });
  assertEquals(faults({}, answer({ ...server })), []);
  assertEquals(faults({}, answer({ ...server, tenant_id: "x" })).length, 1);
  assertEquals(faults({}, answer({ ...server, version: "3" })).length, 1);
  assertEquals(faults({}, answer({ ...server, created_at: "2026-02-23 12:00:00" })).length, 1);
  assertEquals(faults({}, answer({ ...server, id: undefined })).length, 1);
  assertEquals(faults({}, { body: { ...listed.body as object, status: "success" } }).length, 1);
});

Deno.test("faultsOf() finds an undocumented status, code, header or body", () => {
  assertEquals(faults({}, { status: 201 }), ["it has no such status"]);
  assertEquals(faults({}, { status: 404, ...refusal("not_found") }), ["it has no such status"]);
  assertEquals(faults({}, { status: 403, ...refusal("unauthenticated") }).length, 1);
  assertEquals(faults({}, { status: 401, ...refusal("unauthenticated") }), ["it has a header www-authenticate"]);
  assertEquals(faults({}, { status: 304 }), ["it has no body"]);
  assertEquals(faults({}, { headers: new Headers({ ...Object.fromEntries(listed.headers), etag: "7" }) }).length, 1);
  assertEquals(faults({}, { headers: new Headers({ "content-type": "application/json", "x-request-id": "r1" }) }), [
    "it has a header ETag",
  ]);
  assertEquals(faults({}, { body: undefined }).length, 1);
});

Deno.test("faultsOf() accepts only 405 for other methods, and only 404 for other paths, including the gateway's", () => {
  assertEquals(faults({ method: "PUT" }, { status: 405, ...refusal("method_not_allowed", { allow: "GET" }) }), []);
  assertEquals(faults({ method: "PUT" }), ["it has no such status"]);
  assertEquals(faults({ path: "mcp-servers/nonsense" }, { status: 404, ...refusal("not_found") }), []);
  assertEquals(faults({ path: "mcp-servers/nonsense" }), ["it has no such status"]);
  const ofTheGateway = { status: 404, headers: new Headers(), body: { code: "NOT_FOUND" } };
  assertEquals(faults({ path: "nonsense" }, ofTheGateway), []);
  assertEquals(faults({}, ofTheGateway), ["it has no such status"]);
  const ofOurs = { ...ofTheGateway, headers: new Headers({ "x-request-id": "r1" }) };
  assertEquals(faults({ path: "nonsense" }, ofOurs).length, 1);
});

Deno.test("faultsOf() finds a request that succeeded although the document forbids it", () => {
  assertEquals(faults({ path: "mcp-servers/list?limit=0" }).length, 1);
  assertEquals(faults({ path: "mcp-servers/list?colour=red" }).length, 1);
  const deleted = { body: { ok: true, data: { server_id: "a", deleted: true } } };
  const ask = (body: unknown) => faults({ method: "POST", path: "mcp-servers/delete", body }, deleted);
  assertEquals(ask({ server_id: "a" }), []);
  assertEquals(ask('{"server_id": "a", "if_version": 3}'), []);
  assertEquals(ask({ server_id: "a b" }).length, 1);
  assertEquals(ask({}).length, 1);
});

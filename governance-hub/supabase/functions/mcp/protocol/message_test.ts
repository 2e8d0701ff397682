import { assertEquals, assertThrows } from "@std/assert";
import { McpError } from "./mcp_error.ts";
import { type McpRequest, parseMessage, readRequest } from "./message.ts";

const META = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientInfo": { name: "test", version: "1" },
  "io.modelcontextprotocol/clientCapabilities": {},
};

function read(message: unknown, headers: Record<string, string> = {}): McpRequest | undefined {
  return readRequest(
    parseMessage(typeof message === "string" ? message : JSON.stringify(message)),
    new Headers(headers),
  );
}

function assertRefused(code: number, message: unknown, headers: Record<string, string> = {}): string {
  const error = assertThrows(() => read(message, headers), McpError);
  assertEquals([error.rpcCode, error.status], [code, 400], JSON.stringify(message));
  return error.message;
}

function request(changes: Record<string, unknown> = {}) {
  return { jsonrpc: "2.0", id: 1, method: "tools/list", ...changes };
}

Deno.test("readRequest() reads requests of the older revisions, with every one of their ids", () => {
  for (const id of [1, 0, -1, "", "a"]) {
    assertEquals(read(request({ id })), { id, method: "tools/list", params: {}, isModern: false });
  }
  for (const version of ["2025-11-25", "2024-10-07"]) {
    assertEquals(read(request(), { "mcp-protocol-version": version })?.isModern, false);
  }
});

Deno.test("readRequest() wants no answer for notifications and answers", () => {
  assertEquals(read({ jsonrpc: "2.0", method: "notifications/initialized" }), undefined);
  assertEquals(read({ jsonrpc: "2.0", id: 1, result: {} }), undefined);
  assertEquals(read({ jsonrpc: "2.0", id: 1, error: { code: 1, message: "m" } }), undefined);
});

Deno.test("parseMessage() and readRequest() refuse what is no single JSON-RPC request, with a sentence", () => {
  for (const text of ["", "{", "undefined", "\u0000"]) assertRefused(-32700, text);
  assertEquals(assertRefused(-32600, [request()]).includes("batches"), true);
  for (const message of [[], 1, "a", null, true]) assertRefused(-32600, JSON.stringify(message));
  for (const changes of [{ jsonrpc: "1.0" }, { jsonrpc: undefined }, { method: 1 }, { method: undefined }]) {
    assertRefused(-32600, request(changes));
  }
  for (const params of [[], 1, "a", null]) assertRefused(-32600, request({ params }));
  for (const id of [null, 1.5, {}, [], true]) assertRefused(-32600, request({ id }));
  assertEquals(assertRefused(-32600, { jsonrpc: "2.0", method: "tools/call" }).includes('add "id": 1'), true);
});

Deno.test("readRequest() does not take names of Object.prototype for anything", () => {
  const text =
    '{"jsonrpc":"2.0","id":1,"method":"constructor","params":{"__proto__":{"name":"x"},"_meta":{"__proto__":1}}}';
  const found = read(text);
  assertEquals([found?.method, found?.isModern, found?.params.name], ["constructor", false, undefined]);
  assertRefused(-32600, '{"__proto__":{"jsonrpc":"2.0","id":1,"method":"ping"}}');
});

Deno.test("readRequest() reads a request of 2026-07-28 if its headers agree with its body", () => {
  const headers = { "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "amazon.order" };
  const call = (params: Record<string, unknown> = {}) =>
    request({ method: "tools/call", params: { name: "amazon.order", _meta: META, ...params } });
  assertEquals(read(call(), headers)?.isModern, true);
  assertEquals(read(call({ name: "ü" }), { ...headers, "mcp-name": "=?base64?w7w=?=" })?.isModern, true);
  const bad: Record<string, string>[] = [
    { "mcp-protocol-version": "2025-11-25" },
    { "mcp-method": "tools/list" },
    { "mcp-method": "" },
    { "mcp-name": "amazon.other" },
    { "mcp-name": "" },
    { "mcp-name": "=?base64?w7w=?=" },
    { "mcp-name": "=?base64?===?=" },
  ];
  for (const change of bad) assertRefused(-32020, call(), { ...headers, ...change });
  assertRefused(-32020, call(), {});
  assertRefused(-32602, call({ _meta: {} }), headers);
  assertRefused(-32602, call({ _meta: { ...META, "io.modelcontextprotocol/clientCapabilities": undefined } }), headers);
  // A client should say who it is, but need not.
  assertEquals(read(call({ _meta: { ...META, "io.modelcontextprotocol/clientInfo": undefined } }), headers)?.id, 1);
});

Deno.test("readRequest() compares Mcp-Name with the name of a prompt and the URI of a resource", () => {
  const cases = [["prompts/get", "name", "amazon.greet"], ["resources/read", "uri", "amazon.test://text"]] as const;
  for (const [method, member, name] of cases) {
    const headers = { "mcp-protocol-version": "2026-07-28", "mcp-method": method };
    const message = request({ method, params: { [member]: name, _meta: META } });
    assertEquals(read(message, { ...headers, "mcp-name": name })?.params[member], name);
    for (const bad of [headers, { ...headers, "mcp-name": `${name}.` }]) {
      assertEquals(assertRefused(-32020, message, bad).includes(`params.${member}`), true);
    }
  }
  // A completion has a reference, which the revision does not repeat.
  const headers = { "mcp-protocol-version": "2026-07-28", "mcp-method": "completion/complete" };
  const params = { ref: { type: "ref/prompt", name: "amazon.greet" }, _meta: META };
  assertEquals(read(request({ method: "completion/complete", params }), headers)?.isModern, true);
});

Deno.test("readRequest() refuses a version that it does not know, and tells those that it knows", () => {
  const error = assertThrows(() => read(request(), { "mcp-protocol-version": "1999-01-01" }), McpError);
  assertEquals([error.rpcCode, error.data.requested], [-32022, "1999-01-01"]);
  const future = { ...META, "io.modelcontextprotocol/protocolVersion": "2030-01-01" };
  const fromFuture = () => read(request({ params: { _meta: future } }), { "mcp-protocol-version": "2030-01-01" });
  // What `server/discover` names: an older revision has no such request.
  assertEquals(assertThrows(fromFuture, McpError).data.supported, ["2026-07-28"]);
});

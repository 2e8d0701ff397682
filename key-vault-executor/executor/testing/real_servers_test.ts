import { assert, assertEquals, assertMatch } from "@std/assert";
import { type DecidedServer } from "shared/decision/decision.ts";
import { serverOf, until } from "./make.ts";
import { callTool, startExecutor, type TestExecutor } from "./executor.ts";

const EVERYTHING = { name: "@modelcontextprotocol/server-everything", version: "2026.8.31" };
const FILESYSTEM = { name: "@modelcontextprotocol/server-filesystem", version: "2026.8.31" };
const PYTHON_SDK = "mcp==2.3.0";

async function listNames(executor: TestExecutor, server: DecidedServer): Promise<string[]> {
  const client = await executor.connect({ servers: [server] });
  const { tools, _meta } = await client.listTools();
  await client.close();
  assertEquals(_meta?.["key-vault-executor/left_out"], undefined);
  return tools.map(({ name }) => name);
}

async function call(executor: TestExecutor, server: DecidedServer, name: string, args: Record<string, unknown>) {
  const client = await executor.connect({ server, tool: server.tool_prefix + name });
  const text = await callTool(client, server.tool_prefix + name, args);
  await client.close();
  return text;
}

async function install(executor: TestExecutor, file: string): Promise<void> {
  const from = new URL(`./fixtures/${file}`, import.meta.url);
  await Deno.copyFile(from, `${executor.folder}/servers/${file}`);
}

Deno.test("server-everything runs from the store, as node and as npx name it, with progress", async () => {
  await using executor = await startExecutor();
  await executor.packages.add(EVERYTHING);
  const server = serverOf({ args: [EVERYTHING.name], tool_prefix: "every." });
  assert((await listNames(executor, server)).includes("every.echo"));
  assertMatch(await call(executor, server, "echo", { message: "hello" }), /hello/);
  const byNpx = serverOf({
    ...server,
    id: crypto.randomUUID(),
    command: "npx",
    args: ["-y", EVERYTHING.name, "stdio"],
  });
  assertMatch(await call(executor, byNpx, "echo", { message: "by npx" }), /by npx/);

  const name = "every.trigger-long-running-operation";
  const client = await executor.connect({ server, tool: name });
  let seen = 0;
  await client.callTool({ name, arguments: { duration: 1, steps: 4 } }, { onprogress: () => seen++ });
  assertEquals(seen, 4);
  await client.close();
});

Deno.test("server-filesystem runs in its own file system", async () => {
  await using executor = await startExecutor();
  await executor.packages.add(FILESYSTEM);
  const server = serverOf({ args: [FILESYSTEM.name, "/tmp"], tool_prefix: "files." });
  const path = `/tmp/executor-test-${crypto.randomUUID()}`;
  await call(executor, server, "write_file", { path, content: "mine" });
  assertMatch(await call(executor, server, "read_text_file", { path }), /mine/);
  assertEquals(await Deno.stat(path).catch(() => undefined), undefined);
  assertMatch(await call(executor, server, "read_text_file", { path: "/etc/passwd" }), /[Aa]ccess denied/);
  const other = serverOf({ ...server, id: crypto.randomUUID() });
  assertMatch(await call(executor, other, "read_text_file", { path }), /ENOENT/);
});

Deno.test("a Python server runs, with the libraries beside its script", async () => {
  await using executor = await startExecutor();
  const scripts = `${executor.folder}/servers`;
  const args = ["-m", "pip", "install", "--quiet", "--target", `${scripts}/lib`, PYTHON_SDK];
  const { success, stderr } = await new Deno.Command("/usr/bin/python3", { args, stderr: "piped" }).output();
  assert(success, new TextDecoder().decode(stderr));
  const program = `import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "lib"))
from mcp.server.mcpserver import MCPServer
server = MCPServer("python")

@server.tool()
def key() -> str:
    return "the key is " + os.environ["PY_API_KEY"]

server.run()
`;
  await Deno.writeTextFile(`${scripts}/server.py`, program);
  const server = serverOf({ command: "python3", args: ["server.py"], tool_prefix: "py." });
  assertEquals(await listNames(executor, server), ["py.key"]);
  assertEquals(await call(executor, server, "key", {}), "the key is [redacted PY_API_KEY]");
});

Deno.test("a Deno script runs", async () => {
  await using executor = await startExecutor();
  await install(executor, "old_fashioned.mjs");
  const server = serverOf({ command: "deno", args: ["run", "-A", "old_fashioned.mjs"] });
  assertEquals(await call(executor, server, "any", {}), "as of old");
});

Deno.test("a server that ends when it is asked for its revision is started again, and is no crash", async () => {
  await using executor = await startExecutor();
  await install(executor, "old_fashioned.mjs");
  const server = serverOf({ args: ["old_fashioned.mjs"] });
  assertEquals(await call(executor, server, "any", {}), "as of old");
  const [slot] = executor.supervisor.slots("11111111-1111-4111-8111-111111111111");
  assertEquals([slot?.state, slot?.restarts], ["idle", 0]);
});

Deno.test("a server of 2026-07-28 asks its caller for more, and gets it", async () => {
  await using executor = await startExecutor();
  await install(executor, "modern.mjs");
  const server = serverOf({ args: ["modern.mjs"] });
  assertEquals(await listNames(executor, server), ["test.ask"]);
  const tool = { server, tool: "test.ask" };
  const asked = await post(executor, tool, {});
  assertEquals([asked.resultType, Object.keys(asked.inputRequests), asked.requestState], [
    "input_required",
    ["city"],
    "state",
  ]);
  const inputResponses = { city: { action: "accept", content: { city: "Rome" } } };
  const answers = { inputResponses, requestState: "state" };
  const text = JSON.stringify(inputResponses);
  assertEquals((await post(executor, tool, answers)).content, [{ type: "text", text }]);

  const prompt = { server, method: "prompts/get", tool: "test.ask" } as const;
  assertEquals((await post(executor, prompt, {})).resultType, "input_required");
  assertEquals((await post(executor, prompt, answers)).messages[0].content, { type: "text", text });
  const resource = { server, method: "resources/read", tool: "test.test://ask" } as const;
  assertEquals((await post(executor, resource, {})).resultType, "input_required");
  const { contents, ttlMs, cacheScope } = await post(executor, resource, answers);
  // The resource is the tenant's own, whatever the server says of caches.
  assertEquals([contents, ttlMs, cacheScope], [[{ uri: "test.test://ask", text }], 5000, "private"]);
});

Deno.test("a server of 2026-07-28 that failed to start once is called with that revision again", async () => {
  await using executor = await startExecutor({ supervisor: { firstBackoffMs: 50 } });
  const scripts = `${executor.folder}/servers`;
  await install(executor, "modern.mjs");
  const start =
    'import { existsSync } from "node:fs"; if (existsSync("down")) process.exit(1); await import("./modern.mjs");';
  await Deno.writeTextFile(`${scripts}/flaky.mjs`, start);
  await Deno.writeTextFile(`${scripts}/down`, "");
  const server = serverOf({ args: ["flaky.mjs"] });
  const tool = { server, tool: "test.ask" };
  assertEquals((await post(executor, tool, {})).isError, true);
  await Deno.remove(`${scripts}/down`);
  await until(async () => (await post(executor, tool, {})).resultType === "input_required");
});

interface Asked {
  server: DecidedServer;
  method?: "prompts/get" | "resources/read";
  tool: string;
}

/** A call of revision 2026-07-28 as it is on the wire. */
async function post(executor: TestExecutor, subject: Asked, more: Record<string, unknown>) {
  const { method = "tools/call", tool } = subject;
  const _meta = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": { name: "test", version: "1" },
    "io.modelcontextprotocol/clientCapabilities": { elicitation: { form: {} } },
  };
  const named = method === "resources/read" ? { uri: tool } : { name: tool, arguments: {} };
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params: { ...named, _meta, ...more } });
  const headers = {
    "authorization": `Bearer ${executor.hub.sign(subject, body)}`,
    "content-type": "application/json",
    "mcp-protocol-version": "2026-07-28",
    "mcp-method": method,
    "mcp-name": tool,
  };
  const response = await fetch(`${executor.url}/mcp`, { method: "POST", headers, body });
  const answer = await response.json();
  assertEquals(answer.error, undefined);
  return answer.result;
}

import { assertEquals } from "@std/assert";
import { Catalog } from "./catalog.ts";
import type { DecidedServer } from "shared/decision/decision.ts";
import { LIST_METHODS } from "shared/mcp/methods.ts";
import { serverOf, until } from "../testing/make.ts";
import { startExecutor, type TestExecutor } from "../testing/executor.ts";
import { IGNORE, toolCall } from "../testing/calls.ts";

const TENANT = "11111111-1111-4111-8111-111111111111";
const CALLER = { tenantId: TENANT, decision: "a.b.c" };

/** A server that lists the tools of its arguments, counts how often it was asked, and changes on demand. */
const SCRIPT = `import { createInterface } from "node:readline";
const send = (message) => process.stdout.write(JSON.stringify({ jsonrpc: "2.0", ...message }) + "\\n");
let asked = 0;
createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method, params = {} } = JSON.parse(line);
  if (id === undefined) return;
  const { protocolVersion } = params;
  if (method === "initialize") {
    const capabilities = { tools: { listChanged: true } };
    return send({ id, result: { protocolVersion, capabilities, serverInfo: { name: "lister", version: "1" } } });
  }
  if (method === "tools/call") {
    send({ method: "notifications/tools/list_changed" });
    return send({ id, result: { content: [] } });
  }
  if (method !== "tools/list") return send({ id, error: { code: -32601, message: "no such method" } });
  asked++;
  if (process.argv[2] === "hang") return;
  const many = Array.from({ length: 1001 }, (_, index) => "tool-" + index);
  const names = process.argv[2] === "many" ? many : [...process.argv.slice(2), "asked-" + asked];
  if (process.argv[2] === "long") names[0] = "x".repeat(2 ** 20);
  send({ id, result: { tools: names.map((name) => ({ name, inputSchema: { type: "object" } })) } });
}).on("close", () => process.exit(0));
`;

async function makeLister(executor: TestExecutor, ...names: string[]): Promise<DecidedServer> {
  await Deno.writeTextFile(`${executor.folder}/servers/lister.mjs`, SCRIPT);
  return serverOf({ args: ["lister.mjs", ...names] });
}

async function namesOf(catalog: Catalog, ...servers: DecidedServer[]): Promise<string[]> {
  return (await catalog.list("tools/list", CALLER, servers)).items.map(({ name }) => String(name));
}

Deno.test("a server's tools are kept for its version, and asked again when they change", async () => {
  await using executor = await startExecutor();
  const server = await makeLister(executor, "b", "a");
  const catalog = new Catalog(executor.supervisor);
  for (let round = 0; round < 3; round++) {
    assertEquals(await namesOf(catalog, server), ["test.a", "test.asked-1", "test.b"], `list ${round}`);
  }
  const limits = { callMs: 5000, totalMs: 5000 };
  const never = new AbortController().signal;
  await executor.supervisor.use(
    CALLER,
    server,
    (running) => running.call(toolCall("change"), limits, never, IGNORE),
  );
  await until(async () => (await namesOf(catalog, server)).includes("test.asked-2"));
  assertEquals(await namesOf(catalog, { ...server, version: 2 }), ["test.a", "test.asked-1", "test.b"]);
});

Deno.test("a tool name that is not valid with its prefix is left out, and the list says so", async () => {
  await using executor = await startExecutor();
  const server = await makeLister(executor, "fine", "not fine", "x".repeat(124));
  const { items, leftOut } = await new Catalog(executor.supervisor).list("tools/list", CALLER, [server]);
  assertEquals(items.map(({ name }) => name), ["test.asked-1", "test.fine"]);
  assertEquals(leftOut, [{ server_id: "test-server", reason: "invalid_names" }]);
});

Deno.test("a server that gives no list in time is left out, and the rest is there", async () => {
  await using executor = await startExecutor();
  const [silent, ...others] = await Promise.all([
    makeLister(executor, "hang"),
    ...Array.from({ length: 10 }, (_, index) => makeLister(executor, `tool-${index}`)),
  ]);
  if (silent === undefined) throw new Error("eleven are made");
  const servers = others.map((server, index) => ({ ...server, server_id: `s${index}`, tool_prefix: `p${index}.` }));
  const catalog = new Catalog(executor.supervisor, 3000);
  const { items, leftOut } = await catalog.list("tools/list", CALLER, [silent, ...servers]);
  assertEquals(items.length, 20);
  assertEquals(leftOut, [{ server_id: "test-server", reason: "timed_out" }]);
});

Deno.test("a server with too many tools, or too long a list, is left out, and the others are there", async () => {
  await using executor = await startExecutor();
  const [many, long] = [await makeLister(executor, "many"), await makeLister(executor, "long")];
  const fine = { ...await makeLister(executor, "fine"), server_id: "fine" };
  const list = await new Catalog(executor.supervisor).list("tools/list", CALLER, [many, long, fine]);
  assertEquals(list.items.map(({ name }) => name), ["test.asked-1", "test.fine"]);
  assertEquals(list.leftOut.map(({ reason }) => reason), ["too_large", "too_large"]);
});

Deno.test("a list that a server does not have is empty, and no process is started to ask for it again", async () => {
  await using executor = await startExecutor();
  const catalog = new Catalog(executor.supervisor);
  const server = await makeLister(executor, "a");
  assertEquals(await namesOf(catalog, server), ["test.a", "test.asked-1"]);
  await executor.supervisor.end(TENANT, server.id);
  for (const method of LIST_METHODS.slice(1)) {
    assertEquals(await catalog.list(method, CALLER, [server]), { items: [], leftOut: [] }, method);
  }
  assertEquals(await namesOf(catalog, server), ["test.a", "test.asked-1"]);
  assertEquals(executor.supervisor.slots(TENANT), []);
});

Deno.test("a prompt or a resource whose name is too long with its prefix is left out", async () => {
  await using executor = await startExecutor();
  await Deno.writeTextFile(`${executor.folder}/servers/names.mjs`, NAMES);
  const server = serverOf({ args: ["names.mjs"] });
  const catalog = new Catalog(executor.supervisor);
  const leftOut = [{ server_id: "test-server", reason: "invalid_names" as const }];
  const prompts = await catalog.list("prompts/list", CALLER, [server]);
  assertEquals(prompts, { items: [{ name: `test.${"x".repeat(251)}` }], leftOut });
  const uri = `test.a:${"x".repeat(2041)}`;
  assertEquals(await catalog.list("resources/list", CALLER, [server]), { items: [{ uri, name: "r" }], leftOut });
  // It has no such method.
  assertEquals(await catalog.list("resources/templates/list", CALLER, [server]), { items: [], leftOut: [] });
});

/** A server with names just short enough for `test.`, and names that are one character longer. */
const NAMES = `import { createInterface } from "node:readline";
const names = [251, 252].map((length) => ({ name: "x".repeat(length) }));
const uris = [2041, 2042].map((length) => ({ uri: "a:" + "x".repeat(length), name: "r" }));
createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method, params = {} } = JSON.parse(line);
  if (id === undefined) return;
  const { protocolVersion } = params;
  const serverInfo = { name: "names", version: "1" };
  const results = {
    initialize: { protocolVersion, capabilities: { prompts: {}, resources: {} }, serverInfo },
    "prompts/list": { prompts: names },
    "resources/list": { resources: uris },
  };
  const answer = results[method] ? { result: results[method] } : { error: { code: -32601, message: "none" } };
  process.stdout.write(JSON.stringify({ jsonrpc: "2.0", id, ...answer }) + "\\n");
}).on("close", () => process.exit(0));
`;

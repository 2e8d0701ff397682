import type { Progress } from "@modelcontextprotocol/client";
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { serverOf, until } from "../testing/make.ts";
import { callTool, SECRET, startExecutor, type TestExecutor } from "../testing/executor.ts";

const SERVER = serverOf({ command: "node", args: ["misbehave.mjs"], tool_prefix: "amazon." });
const TENANT = "11111111-1111-4111-8111-111111111111";
const subjectOf = (tool: string) => ({ server: SERVER, tool: `amazon.${tool}` });

function request(method: string, params: Record<string, unknown> = {}): string {
  return JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
}

async function post(executor: TestExecutor, body: string, token: string | undefined): Promise<Response> {
  const headers = new Headers({ "content-type": "application/json" });
  if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
  return await fetch(`${executor.url}/mcp`, { method: "POST", headers, body });
}

Deno.test("a tool is called by clients of both revisions, and its secret does not come out", async () => {
  await using executor = await startExecutor();
  for (const mode of ["legacy", "auto", { pin: "2026-07-28" }] as const) {
    const label = JSON.stringify(mode);
    const client = await executor.connect(subjectOf("echo"), mode);
    assertEquals(await callTool(client, "amazon.echo", { value: "hello" }), "hello", label);
    const other = await executor.connect(subjectOf("secret"), mode);
    const result = await other.callTool({ name: "amazon.secret", arguments: { name: "AMAZON_API_KEY" } });
    assertEquals(result.content, [{ type: "text", text: "the key is [redacted AMAZON_API_KEY]." }], label);
    assertEquals(result.structuredContent, { "[redacted AMAZON_API_KEY]": 1 }, label);
    await Promise.all([client.close(), other.close()]);
  }
});

Deno.test("a secret does not come out of an environment, an error, two chunks of base64, or the status", async () => {
  await using executor = await startExecutor();
  const call = async (tool: string) => {
    const client = await executor.connect(subjectOf(tool));
    try {
      return await callTool(client, `amazon.${tool}`, { name: "AMAZON_API_KEY" });
    } finally {
      await client.close();
    }
  };
  assertMatch(await call("environment"), /"AMAZON_API_KEY":"\[redacted AMAZON_API_KEY\]"/);
  assertMatch(await call("environments"), /AMAZON_API_KEY=\[redacted AMAZON_API_KEY\]/);
  assertMatch(await call("halves"), /\[redacted AMAZON_API_KEY\]/);
  const { message } = await assertRejects(() => call("fail"));
  assertMatch(message, /cannot use \[redacted AMAZON_API_KEY\]/);
  await call("stderr");
  const token = executor.hub.sign({}, "");
  const status = await fetch(`${executor.url}/status`, { headers: { authorization: `Bearer ${token}` } });
  const text = await status.text();
  assertMatch(text, /using \[redacted AMAZON_API_KEY\]/);
  await until(() => executor.log.length >= 10);
  assertEquals(`${text}${JSON.stringify(executor.log)}`.includes(SECRET), false);
});

Deno.test("without a valid decision there is one answer, and the log has the reason", async () => {
  await using executor = await startExecutor();
  await using other = await startExecutor();
  const body = request("ping");
  const used = executor.hub.sign({}, body);
  await (await post(executor, body, used)).body?.cancel();
  const refused: [string | undefined, string][] = [
    [undefined, "there is no decision"],
    ["a.b.c", "not a signed token"],
    [await other.hub.sign({}, body), "no key of DECISION_VERIFY_KEYS"],
    [executor.hub.sign({}, `${body} `), "another body"],
    [executor.hub.sign({}, body, 60, Math.floor(Date.now() / 1000) - 120), "expired"],
    [used, "used before"],
  ];
  const answers = new Set<string>();
  for (const [token, reason] of refused) {
    const response = await post(executor, body, token);
    assertEquals(response.status, 401, reason);
    answers.add(await response.text());
    await until(() => executor.log.some(({ cause }) => String(cause).includes(reason)));
  }
  assertEquals(answers.size, 1);
});

Deno.test("a decision allows its own tool of its own server only", async () => {
  await using executor = await startExecutor();
  const call = async (subject: Parameters<TestExecutor["connect"]>[0], name: string) => {
    const client = await executor.connect(subject);
    const { message } = await assertRejects(() => client.callTool({ name, arguments: {} }));
    await client.close();
    return message;
  };
  assertMatch(await call(subjectOf("echo"), "amazon.environment"), /for another tool/);
  assertMatch(await call({ server: SERVER, tool: "stripe.echo" }, "stripe.echo"), /not one of the decision's server/);
  assertMatch(await call({ server: SERVER, tool: "amazon." }, "amazon."), /not one of the decision's server/);
  assertMatch(await call({ servers: [SERVER] }, "amazon.echo"), /names nothing to call/);
  assertEquals(executor.supervisor.slots(TENANT), []);
});

Deno.test("tools are listed whole, sorted, under their prefix, and one broken server does not empty the list", async () => {
  await using executor = await startExecutor({ listMs: 5000 });
  const second = serverOf({ ...SERVER, id: crypto.randomUUID(), server_id: "second", tool_prefix: "a.b." });
  const broken = [
    serverOf({ server_id: "missing", args: ["@scope/not-there"], tool_prefix: "x." }),
    serverOf({ server_id: "forbidden", command: "sh", tool_prefix: "y." }),
    serverOf({ server_id: "silent", command: "deno", args: ["no-such.ts"], tool_prefix: "z." }),
  ];
  const client = await executor.connect({ servers: [...broken, SERVER, second] });
  const { tools, _meta } = await client.listTools();
  const names = tools.map(({ name }) => name);
  assertEquals(names, [...names].sort());
  assertEquals(names.filter((name) => name.startsWith("a.b.")).length, names.length / 2);
  for (const name of ["amazon.echo", "amazon.flood", "a.b.echo"]) assert(names.includes(name), name);
  const leftOut = ["forbidden", "missing", "silent"].map((server_id) => ({
    server_id,
    reason: server_id === "forbidden" ? "command_not_allowed" : "program_not_found",
  }));
  assertEquals(_meta?.["key-vault-executor/left_out"], leftOut);
  await client.close();
});

Deno.test("an error of the Executor is a result that says what to do", async () => {
  await using executor = await startExecutor();
  const server = serverOf({ ...SERVER, id: crypto.randomUUID(), command: "bash" });
  const client = await executor.connect({ server, tool: "amazon.echo" });
  const { content, isError, _meta } = await client.callTool({ name: "amazon.echo", arguments: {} });
  assertEquals(isError, true);
  assertEquals(_meta?.["key-vault-executor/error"], "command_not_allowed");
  assertMatch(
    JSON.stringify(content),
    /"the command must be one of: deno, node, npx, python3; the operator of the Executor/,
  );
  await client.close();
});

Deno.test("progress comes through redacted, moves the time limit, and a silent call ends", async () => {
  await using executor = await startExecutor({ limits: { callMs: 600 } });
  const client = await executor.connect(subjectOf("progress"));
  const seen: [number, string | undefined][] = [];
  const onprogress = ({ progress, message }: Progress) => void seen.push([progress, message]);
  const args = { ms: 300, name: "AMAZON_API_KEY" };
  const result = await client.callTool({ name: "amazon.progress", arguments: args }, { onprogress });
  assertEquals(result.content, [{ type: "text", text: "progressed" }]);
  assertEquals(seen, [1, 2, 3, 4, 5].map((progress) => [progress, "with [redacted AMAZON_API_KEY]"]));
  const silent = await executor.connect(subjectOf("never"));
  const { isError, content } = await silent.callTool({ name: "amazon.never", arguments: {} });
  assertEquals(isError, true);
  assertMatch(JSON.stringify(content), /did not answer within 0\.6 s/);
  const counted = await executor.connect(subjectOf("cancelled"));
  assertEquals(await callTool(counted, "amazon.cancelled"), "1");
  await Promise.all([client, silent, counted].map((each) => each.close()));
});

Deno.test("a caller that leaves cancels its call at the server", async () => {
  await using executor = await startExecutor();
  const client = await executor.connect(subjectOf("never"));
  const gone = new AbortController();
  const call = client.callTool({ name: "amazon.never", arguments: {} }, { signal: gone.signal });
  const [slot] = await whenSlots(executor);
  await until(() => slot?.state === "running");
  gone.abort();
  await assertRejects(() => call);
  const counted = await executor.connect(subjectOf("cancelled"));
  await until(async () => await callTool(counted, "amazon.cancelled") === "1");
  await until(() => slot?.inFlight === 0);
  await Promise.all([client.close(), counted.close()]);
});

Deno.test("a connection that is closed cancels its call at the server, whatever the revision, and no other call", async () => {
  await using executor = await startExecutor();
  const begin = (more: Record<string, unknown>, headers: Record<string, string>, tool = "never") => {
    const body = request("tools/call", { name: `amazon.${tool}`, arguments: { ms: 2500 }, ...more });
    const authorization = `Bearer ${executor.hub.sign(subjectOf(tool), body)}`;
    const gone = new AbortController();
    const init = { method: "POST", signal: gone.signal, body };
    const text = fetch(`${executor.url}/mcp`, {
      ...init,
      headers: { authorization, "content-type": "application/json", ...headers },
    }).then((response) => response.text());
    text.catch(() => {});
    return { gone, text };
  };
  const _meta = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": { name: "test", version: "1" },
    "io.modelcontextprotocol/clientCapabilities": {},
  };
  const modern = { "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "amazon.never" };
  const kept = begin({}, {}, "slow");
  const calls = [begin({}, {}), begin({ _meta }, modern)];
  const [slot] = await whenSlots(executor);
  await until(() => slot?.inFlight === 3 && slot.state === "running");
  for (const [index, { gone, text }] of calls.entries()) {
    gone.abort();
    await assertRejects(() => text);
    const counted = await executor.connect(subjectOf("cancelled"));
    await until(async () => await callTool(counted, "amazon.cancelled") === String(index + 1));
    await counted.close();
  }
  assertMatch(await kept.text, /"text":"slow"/);
});

Deno.test("a notice that a call is cancelled, sent apart as in 2025, is taken and cancels no call", async () => {
  await using executor = await startExecutor();
  // The ids of requests are counters of each client, and a key may have several clients: 1 may be another client's call.
  const clients = [
    await executor.connect(subjectOf("slow"), "legacy"),
    await executor.connect(subjectOf("slow"), "legacy"),
  ];
  const gone = new AbortController();
  const call = (index: number, signal?: AbortSignal) =>
    clients[index]?.callTool({ name: "amazon.slow", arguments: { ms: 1500 } }, signal ? { signal } : {});
  const [first, second] = [call(0, gone.signal), call(1)];
  const [slot] = await whenSlots(executor);
  await until(() => slot?.inFlight === 2 && slot.state === "running");
  gone.abort();
  await assertRejects(async () => await first);
  assertEquals((await second)?.content, [{ type: "text", text: "slow" }]);
  await until(() => executor.log.some(({ method, status }) => method === "notifications/cancelled" && status === 202));
  const counted = await executor.connect(subjectOf("cancelled"));
  assertEquals(await callTool(counted, "amazon.cancelled"), "0");
  await Promise.all([...clients, counted].map((each) => each.close()));
});

async function whenSlots(executor: TestExecutor) {
  const slots = () => executor.supervisor.slots(TENANT);
  await until(() => slots().length > 0);
  return slots();
}

Deno.test("the address is particular about paths, methods, batches, sizes and what is no JSON", async () => {
  await using executor = await startExecutor();
  const send = async (path: string, method: string, body: string) => {
    const token = executor.hub.sign({}, body);
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const init = method === "GET" ? { method, headers } : { method, headers, body };
    const response = await fetch(`${executor.url}${path}`, init);
    return [response.status, (await response.json()).error?.message];
  };
  assertEquals((await send("/other", "POST", "{}"))[0], 404);
  assertEquals((await send("/mcp", "GET", ""))[0], 405);
  assertEquals((await send("/mcp", "DELETE", ""))[0], 405);
  assertEquals((await send("/status", "POST", ""))[0], 405);
  for (const body of [`[${request("ping")}]`, "", "{", "1"]) {
    assertEquals(await send("/mcp", "POST", body), [400, "the body must be one JSON-RPC message, and no batch"], body);
  }
  assertEquals((await send("/mcp", "POST", " ".repeat(5 * 2 ** 20)))[0], 413);
  assertMatch(String((await send("/mcp", "POST", request("subscriptions/listen")))[1]), /no subscriptions/);
  const health = await fetch(`${executor.url}/health`);
  assertEquals([health.status, await health.json()], [200, { ok: true }]);
});

Deno.test("POST /end ends the process of the decision's server and its calls, and no other", async () => {
  await using executor = await startExecutor();
  const other = serverOf({ ...SERVER, id: crypto.randomUUID(), server_id: "other" });
  for (const server of [SERVER, other]) {
    const client = await executor.connect({ server, tool: "amazon.pid" });
    await callTool(client, "amazon.pid");
    await client.close();
  }
  const end = async (subject: Parameters<TestExecutor["connect"]>[0]) => {
    const headers = { authorization: `Bearer ${executor.hub.sign(subject, "")}` };
    return await (await fetch(`${executor.url}/end`, { method: "POST", headers })).json();
  };
  const waiting = await executor.connect(subjectOf("never"));
  const call = callTool(waiting, "amazon.never");
  await until(() => executor.supervisor.slots(TENANT).some(({ state }) => state === "running"));
  assertEquals(
    (await end({ server: SERVER, tool: "amazon.pid" })).error.message,
    "the decision names no server to end",
  );
  assertEquals((await end({})).error.message, "the decision names no server to end");
  assertEquals((await end({ server: SERVER, tenant_id: crypto.randomUUID() })).data.ended, false);
  assertEquals((await end({ server: SERVER })).data, { server_id: "test-server", ended: true });
  assertMatch(await call, /the server ended during the call/);
  assertEquals(executor.supervisor.slots(TENANT).map(({ server }) => server.server_id), ["other"]);
  await waiting.close();
});

Deno.test("the log has one line for each request, with who and what, and no argument", async () => {
  await using executor = await startExecutor();
  const client = await executor.connect(subjectOf("echo"));
  await callTool(client, "amazon.echo", { value: "argument-of-the-call" });
  await client.close();
  await until(() => executor.log.some(({ method }) => method === "tools/call"));
  const line = executor.log.find(({ method }) => method === "tools/call");
  assertEquals([line?.tool, line?.server_id, line?.outcome, line?.status], ["amazon.echo", "test-server", "ok", 200]);
  assertEquals(line?.tenant_id, TENANT);
  assertEquals(JSON.stringify(executor.log).includes("argument-of-the-call"), false);
});

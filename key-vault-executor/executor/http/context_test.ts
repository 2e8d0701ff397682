/** Prompts, resources, completions and log messages through the Executor. */

import type { LoggingLevel } from "@modelcontextprotocol/client";
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import type { CallMethod, ListMethod } from "shared/mcp/methods.ts";
import { SECRET, startExecutor, type TestExecutor } from "../testing/executor.ts";
import { serverOf, until } from "../testing/make.ts";

const SERVER = serverOf({ command: "node", args: ["library.mjs"], tool_prefix: "amazon." });
const MODES = ["legacy", "auto"] as const;
const REDACTED = "[redacted AMAZON_API_KEY]";

const subjectOf = (method: CallMethod, tool: string) => ({ server: SERVER, method, tool });
const connect = (executor: TestExecutor, method: CallMethod, tool: string, mode: (typeof MODES)[number] = "auto") =>
  executor.connect(subjectOf(method, tool), mode);

Deno.test("each list has the names and URIs of all servers under their prefixes", async () => {
  await using executor = await startExecutor();
  const second = serverOf({ ...SERVER, id: crypto.randomUUID(), server_id: "second", tool_prefix: "b." });
  for (const mode of MODES) {
    const list = async <Answer>(
      method: ListMethod,
      ask: (client: Awaited<ReturnType<TestExecutor["connect"]>>) => Promise<Answer>,
    ) => {
      const client = await executor.connect({ servers: [SERVER, second], method }, mode);
      const answer = await ask(client);
      await client.close();
      return answer;
    };
    const { tools } = await list("tools/list", (client) => client.listTools());
    assertEquals(tools.map(({ name }) => name), ["amazon.links", "amazon.log", "b.links", "b.log"], mode);
    const { prompts } = await list("prompts/list", (client) => client.listPrompts());
    assertEquals(prompts.map(({ name }) => name), ["amazon.greet", "amazon.look", "b.greet", "b.look"], mode);
    const { resources } = await list("resources/list", (client) => client.listResources());
    const uris = ["amazon.test://blob", "amazon.test://text", "b.test://blob", "b.test://text"];
    assertEquals(resources.map(({ uri }) => uri), uris, mode);
    const { resourceTemplates } = await list("resources/templates/list", (client) => client.listResourceTemplates());
    const templates = ["amazon.test://item/{id}", "b.test://item/{id}"];
    assertEquals(resourceTemplates.map(({ uriTemplate }) => uriTemplate), templates, mode);
  }
});

Deno.test("a server without prompts has none, and one whose prompts cannot be listed is left out, as it was not for tools", async () => {
  await using executor = await startExecutor();
  const without = serverOf({ command: "node", args: ["misbehave.mjs"], server_id: "without", tool_prefix: "w." });
  const broken = serverOf({ ...SERVER, id: crypto.randomUUID(), args: ["library.mjs", "broken"], tool_prefix: "x." });
  const servers = [without, { ...broken, server_id: "broken" }, SERVER];
  const client = await executor.connect({ servers, method: "prompts/list" });
  const { prompts, _meta } = await client.listPrompts();
  assertEquals(prompts.map(({ name }) => name), ["amazon.greet", "amazon.look"]);
  assertEquals(_meta?.["key-vault-executor/left_out"], [{ server_id: "broken", reason: "invalid_answer" }]);
  const other = await executor.connect({ servers, method: "tools/list" });
  const tools = await other.listTools();
  assertEquals([tools.tools.some(({ name }) => name === "x.log"), tools._meta?.["key-vault-executor/left_out"]], [
    true,
    undefined,
  ]);
  await Promise.all([client.close(), other.close()]);
});

Deno.test("a prompt, a resource and a completion come by prefixed names, and no secret with them", async () => {
  await using executor = await startExecutor();
  for (const mode of MODES) {
    const greet = await connect(executor, "prompts/get", "amazon.greet", mode);
    const prompt = await greet.getPrompt({ name: "amazon.greet", arguments: { name: "Ada" } });
    assertEquals(prompt.messages[0]?.content, { type: "text", text: `greet Ada with ${REDACTED}` }, mode);

    const text = await connect(executor, "resources/read", "amazon.test://text", mode);
    const read = await text.readResource({ uri: "amazon.test://text" });
    assertEquals(read.contents, [{ uri: "amazon.test://text", text: `the key is ${REDACTED}` }], mode);

    // Whatever the case of the prefix, as for tools.
    const item = await connect(executor, "resources/read", "AMAZON.test://item/7", mode);
    const { contents } = await item.readResource({ uri: "AMAZON.test://item/7" });
    assertEquals(contents, [{ uri: "amazon.test://item/7", text: "item 7" }], mode);

    const argument = { name: "name", value: "Ad" };
    const named = await connect(executor, "completion/complete", "amazon.greet", mode);
    const byName = await named.complete({ ref: { type: "ref/prompt", name: "amazon.greet" }, argument });
    assertEquals(byName.completion.values, ["Ad for greet", `with ${REDACTED}`], mode);
    const template = "amazon.test://item/{id}";
    const located = await connect(executor, "completion/complete", template, mode);
    const byUri = await located.complete({ ref: { type: "ref/resource", uri: template }, argument });
    assertEquals(byUri.completion.values, ["Ad for test://item/{id}", `with ${REDACTED}`], mode);
    await Promise.all([greet, text, item, named, located].map((client) => client.close()));
  }
});

Deno.test("a secret in a resource's bytes is taken out, and the rest can be decoded", async () => {
  await using executor = await startExecutor();
  const client = await connect(executor, "resources/read", "amazon.test://blob");
  const { contents: [content] } = await client.readResource({ uri: "amazon.test://blob" });
  assert(content !== undefined && "blob" in content);
  assertEquals(atob(content.blob), `before ${REDACTED} after`);
  await client.close();
});

Deno.test("links to resources and embedded ones have the prefix, in results of tools and of prompts", async () => {
  await using executor = await startExecutor();
  const uri = "amazon.test://text";
  const link = { type: "resource_link" as const, uri, name: "the text" };
  const embedded = { type: "resource" as const, resource: { uri, text: "embedded" } };
  for (const mode of MODES) {
    const tool = await connect(executor, "tools/call", "amazon.links", mode);
    const { content } = await tool.callTool({ name: "amazon.links", arguments: {} });
    assertEquals(content, [{ type: "text", text: "see" }, link, embedded], mode);
    const prompt = await connect(executor, "prompts/get", "amazon.look", mode);
    const { messages } = await prompt.getPrompt({ name: "amazon.look" });
    assertEquals(messages.map(({ content }) => content), [embedded, link], mode);
    await Promise.all([tool.close(), prompt.close()]);
  }
});

Deno.test("a server's error keeps its code, is redacted, and names the URI as the caller knows it", async () => {
  await using executor = await startExecutor();
  const uri = "amazon.test://missing";
  const client = await connect(executor, "resources/read", uri);
  const error = await assertRejects(() => client.readResource({ uri }));
  assertMatch(String(error), /no resource for \[redacted AMAZON_API_KEY\]/);
  assert(error instanceof Error && "code" in error && "data" in error);
  // -32002 is of older revisions.
  assertEquals([error.code, error.data], [-32602, { uri }]);
  const broken = serverOf({ ...SERVER, id: crypto.randomUUID(), command: "bash" });
  const other = await executor.connect({ server: broken, method: "prompts/get", tool: "amazon.greet" });
  const failed = await assertRejects(() => other.getPrompt({ name: "amazon.greet" }));
  assertMatch(String(failed), /the command must be one of/);
  await Promise.all([client.close(), other.close()]);
  await until(() => executor.log.some(({ outcome }) => outcome === "command_not_allowed"));
  assert(
    executor.log.some(({ method, tool, outcome }) =>
      method === "resources/read" && tool === uri && outcome === "error"
    ),
  );
});

Deno.test("a decision for one method is not good for another one, nor for another list", async () => {
  await using executor = await startExecutor();
  const refused = async (subject: Parameters<TestExecutor["connect"]>[0], method: string, params: object) => {
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
    const headers = { authorization: `Bearer ${executor.hub.sign(subject, body)}` };
    const init = { method: "POST", body, headers: { ...headers, "content-type": "application/json" } };
    const text = await (await fetch(`${executor.url}/mcp`, init)).text();
    return JSON.parse(/\{.*\}/.exec(text)?.[0] ?? "").error.message;
  };
  const name = "amazon.greet";
  assertMatch(await refused(subjectOf("tools/call", name), "prompts/get", { name }), /for another method/);
  assertMatch(await refused(subjectOf("prompts/get", name), "tools/call", { name }), /for another method/);
  const ref = { type: "ref/prompt", name };
  const completion = { ref, argument: { name: "a", value: "" } };
  assertMatch(await refused(subjectOf("prompts/get", name), "completion/complete", completion), /for another method/);
  assertMatch(await refused(subjectOf("prompts/get", "amazon.look"), "prompts/get", { name }), /for another prompt/);
  const uri = "amazon.test://text";
  assertMatch(
    await refused(subjectOf("resources/read", uri), "resources/read", { uri: "amazon.a:b" }),
    /another resource/,
  );
  assertMatch(await refused({ servers: [SERVER], method: "tools/list" }, "prompts/list", {}), /not for this list/);
  assertMatch(await refused(subjectOf("tools/call", name), "tools/list", {}), /not for this list/);
  assertEquals(executor.supervisor.slots("11111111-1111-4111-8111-111111111111"), []);
});

/** What a call's client was told, with the messages' levels. */
async function callLog(
  executor: TestExecutor,
  args: Record<string, unknown>,
  { mode = "legacy", level }: { mode?: (typeof MODES)[number]; level?: LoggingLevel } = {},
) {
  const client = await connect(executor, "tools/call", "amazon.log", mode);
  const messages: { level: string; logger?: string | undefined; data: unknown }[] = [];
  client.setNotificationHandler("notifications/message", ({ params }) => void messages.push(params));
  const _meta = level === undefined ? {} : { _meta: { "io.modelcontextprotocol/logLevel": level } };
  await client.callTool({ name: "amazon.log", arguments: args, ..._meta });
  await client.close();
  return messages;
}

Deno.test("log messages of the only call in flight come to its caller, redacted, at the level that the caller asks for", async () => {
  await using executor = await startExecutor();
  const [message] = await callLog(executor, {});
  const data = { words: `with ${REDACTED}`, index: 0, rest: "" };
  assertEquals([message?.level, message?.logger, message?.data], ["info", `logger ${REDACTED}`, data]);
  // In 2026-07-28, who names no level wants no messages.
  assertEquals(await callLog(executor, {}, { mode: "auto" }), []);
  assertEquals((await callLog(executor, {}, { mode: "auto", level: "info" })).length, 1);
  assertEquals(await callLog(executor, {}, { mode: "auto", level: "warning" }), []);
  assertEquals((await callLog(executor, { level: "error" }, { mode: "auto", level: "warning" })).length, 1);
  assertEquals(JSON.stringify(executor.log).includes(SECRET), false);
});

Deno.test("log messages are limited in number and in length", async () => {
  await using executor = await startExecutor();
  const many = await callLog(executor, { count: 500 });
  assert(many.length >= 100 && many.length < 200, `${many.length} came`);
  const [long] = await callLog(executor, { length: 100_000 });
  assertEquals(String(long?.data).length, 4096);
});

Deno.test("nobody gets the log messages of a server that works on two calls", async () => {
  await using executor = await startExecutor();
  const slow = callLog(executor, { count: 0, ms: 1500 });
  await until(() => executor.supervisor.slots("11111111-1111-4111-8111-111111111111")[0]?.state === "running");
  // The first call is at the server when a second one has been answered.
  assertEquals(await callLog(executor, { ms: 200 }), []);
  assertEquals(await slow, []);
  assertEquals((await callLog(executor, {})).length, 1);
});

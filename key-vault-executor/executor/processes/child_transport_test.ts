import { Client } from "@modelcontextprotocol/client";
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { ChildTransport, type Launch, type TransportOptions } from "./child_transport.ts";
import { findProcesses, until } from "../testing/make.ts";

const FIXTURE = new URL("../testing/fixtures/misbehave.mjs", import.meta.url).pathname;
const LAUNCH: Launch = { command: "node", args: [FIXTURE], environment: { PATH: "/usr/bin:/bin", SECRET: "s3cr3t" } };

async function connect(options: Partial<TransportOptions> = {}, launch = LAUNCH) {
  const transport = new ChildTransport(launch, options);
  const client = new Client({ name: "test", version: "1" });
  await client.connect(transport);
  const call = (name: string, args: Record<string, unknown> = {}) =>
    client.request({ method: "tools/call", params: { name, arguments: args } }, { timeout: 20_000 });
  return { transport, client, call };
}

Deno.test("a child has the environment that it is given, and nothing of the Executor's", async () => {
  const { client, call } = await connect();
  const { content } = await call("environment");
  assertEquals(content, [{ type: "text", text: JSON.stringify(LAUNCH.environment) }]);
  await client.close();
});

Deno.test("close() leaves no grandchild, and is told as an end", async () => {
  const { client, transport, call } = await connect();
  const id = String(Date.now());
  await call("orphan", { id });
  assertEquals((await findProcesses(`600.${id}`)).length, 1);
  await client.close();
  const { code, reason } = await transport.exited;
  assertEquals({ code, reason }, { code: 0, reason: undefined });
  await until(async () => (await findProcesses(`600.${id}`)).length === 0);
  // This one left the group: without a sandbox nothing finds it.
  for (const pid of await findProcesses(`601.${id}`)) Deno.kill(pid, "SIGKILL");
});

Deno.test("a call fails at once when the child dies, and the exit code is told", async () => {
  const { transport, call } = await connect();
  const begun = performance.now();
  await assertRejects(() => call("die"));
  assert(performance.now() - begun < 5000);
  assertEquals((await transport.exited).code, 3);
});

Deno.test("a line of 20 MB ends the child, and says so", async () => {
  const { transport, call } = await connect();
  await assertRejects(() => call("longLine"));
  assertMatch((await transport.exited).reason ?? "", /a line of over 10485760 bytes/);
});

Deno.test("garbage on standard output is counted, and does not disturb a call", async () => {
  const { transport, client, call } = await connect();
  assertEquals((await call("garbage")).content, [{ type: "text", text: "after the garbage" }]);
  assertEquals(transport.garbageLines, 1000);
  await client.close();
});

Deno.test("a flood on both outputs ends the child, and stays bounded", async () => {
  const { transport, call } = await connect();
  const before = Deno.memoryUsage().rss;
  await assertRejects(() => call("flood"));
  assertMatch((await transport.exited).reason ?? "", /not MCP messages/);
  assert(transport.errors.lines.length <= 200);
  assert(Deno.memoryUsage().rss - before < 300 * 2 ** 20);
});

Deno.test("the last progress before a response is not lost", async () => {
  const { client } = await connect();
  for (let round = 0; round < 20; round++) {
    const seen: number[] = [];
    const onprogress = ({ progress }: { progress: number }) => void seen.push(progress);
    await client.request({ method: "tools/call", params: { name: "progress", arguments: {} } }, { onprogress });
    assertEquals(seen, [1, 2, 3, 4, 5], `call ${round}`);
  }
  await client.close();
});

Deno.test("the second of two answers to one call changes nothing", async () => {
  const { client, call } = await connect();
  assertEquals((await call("twice")).content, [{ type: "text", text: "first" }]);
  assertEquals((await call("echo", { value: "next" })).content, [{ type: "text", text: "next" }]);
  await client.close();
});

Deno.test("error output is cleaned before it is kept", async () => {
  const { transport, client, call } = await connect({ clean: (line) => line.replaceAll("s3cr3t", "***") });
  await call("stderr", { name: "SECRET" });
  await until(() => transport.errors.lines.length > 0);
  assertEquals(transport.errors.lines, ["using ***"]);
  await client.close();
});

Deno.test("a program that is not there is an error, and close() has nothing to do", async () => {
  await assertRejects(() => connect({}, { ...LAUNCH, command: "/nowhere" }));
  await new ChildTransport(LAUNCH).close();
});

Deno.test("a child that reads nothing makes send() wait instead of filling memory", async () => {
  const transport = new ChildTransport({ ...LAUNCH, command: "sleep", args: ["60"] });
  await transport.start();
  const message = { jsonrpc: "2.0", method: "x", params: { text: "x".repeat(1_000_000) } } as const;
  const sent = transport.send(message).then(() => "sent", () => "failed");
  const first = await Promise.race([sent, new Promise((resolve) => setTimeout(() => resolve("waits"), 300))]);
  assertEquals(first, "waits");
  await transport.close();
  assertEquals(await sent, "failed");
});

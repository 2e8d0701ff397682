/** The clients that agents use, against the whole path, with a public server from npm. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { Client, type ClientOptions, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { EVERYTHING, startWholePath, type WholePath } from "./whole_path.ts";
import { HUB_TOOLS } from "governance-hub/supabase/functions/mcp/hub_tools/hub_tools.ts";
import { runPackage } from "./npm_program.ts";

/** Made up. */
const VALUE = "made-up-value-9f3b77c1";

const INSPECTOR = "npm:@modelcontextprotocol/inspector@2.12.0";

let path: WholePath;
let folder: string;

Deno.test.beforeAll(async () => {
  folder = await Deno.makeTempDir();
  path = await startWholePath();
  await path.register(EVERYTHING);
});

Deno.test.afterAll(async () => {
  await path?.[Symbol.asyncDispose]();
  await Deno.remove(folder, { recursive: true });
});

/** What each client was answered. */
interface Answers {
  version: string | undefined;
  tools: string[];
  progress: number;
  echo: unknown;
  structured: unknown;
  invalid: unknown;
  unknown: unknown;
  own: unknown;
  prompts: string[];
  prompt: unknown;
  resources: string[];
  resource: unknown;
}

// deno-lint-ignore no-explicit-any -- answers of any form
function assertAnswers(answers: any, version: string): void {
  const { tools, echo, structured, invalid, unknown, own } = answers satisfies Answers;
  assertEquals(answers.version, version);
  assertEquals(tools.slice(0, HUB_TOOLS.length), HUB_TOOLS.map(({ tool }) => tool.name));
  const others = tools.slice(HUB_TOOLS.length);
  assert(others.includes("everything.echo") && others.every((name: string) => name.startsWith("everything.")));
  assertEquals([answers.progress, echo.content], [4, [{ type: "text", text: "Echo: hello" }]]);
  assertEquals(structured.structuredContent, JSON.parse(structured.content[0].text));
  assertEquals(invalid.isError, true);
  assertMatch(invalid.content[0].text, /Invalid arguments for tool echo/);
  assertEquals(unknown.code, -32602);
  assertMatch(unknown.message, /no server of this tenant has this tool/);
  assertEquals(own.structuredContent.servers[0].server_id, "everything");
  const { prompts, prompt, resources, resource } = answers;
  assert(prompts.includes("everything.args-prompt") && resources.includes(DOCUMENT), `${prompts} ${resources}`);
  assertMatch(prompt.messages[0].content.text, /weather in Paris/);
  assertEquals(resource.contents[0].uri, DOCUMENT);
  assertMatch(resource.contents[0].text, /Everything Server/);
}

const DOCUMENT = "everything.demo://resource/static/document/architecture.md";

async function ask(options: ClientOptions): Promise<Answers> {
  const client = new Client({ name: "sdk-v2", version: "1" }, options);
  const requestInit = { headers: { "x-api-key": path.key } };
  await client.connect(new StreamableHTTPClientTransport(new URL(path.url), { requestInit }));
  const call = (name: string, args: Record<string, unknown>) =>
    client.callTool({ name, arguments: args }).catch(({ code, message }) => ({ code, message }));
  const { tools } = await client.listTools();
  let progress = 0;
  const long = { name: "everything.trigger-long-running-operation", arguments: { duration: 0.2, steps: 4 } };
  await client.callTool(long, { onprogress: () => void progress++ });
  const answers = {
    version: client.getNegotiatedProtocolVersion(),
    tools: tools.map(({ name }) => name),
    progress,
    echo: await call("everything.echo", { message: "hello" }),
    structured: await call("everything.get-structured-content", { location: "Chicago" }),
    invalid: await call("everything.echo", {}),
    unknown: await call("nothing.at-all", {}),
    own: await call("hub.list_servers", {}),
    prompts: (await client.listPrompts()).prompts.map(({ name }) => name),
    prompt: await client.getPrompt({ name: "everything.args-prompt", arguments: { city: "Paris" } }),
    resources: (await client.listResources()).resources.map(({ uri }) => uri),
    resource: await client.readResource({ uri: DOCUMENT }),
  };
  await client.close();
  return answers;
}

const V2: Record<string, [options: ClientOptions, version: string]> = {
  "as it comes": [{}, "2025-11-25"],
  "auto": [{ versionNegotiation: { mode: "auto" } }, "2026-07-28"],
  "pinned to 2026-07-28": [{ versionNegotiation: { mode: { pin: "2026-07-28" } } }, "2026-07-28"],
  // It takes no pin to an older revision: it can only be told to know no other.
  "with 2025-11-25 only": [{ supportedProtocolVersions: ["2025-11-25"] }, "2025-11-25"],
};

for (const [how, [options, version]] of Object.entries(V2)) {
  Deno.test(`the SDK's client 2.4.0, ${how}, lists and uses tools, prompts and resources at revision ${version}`, async () => {
    assertAnswers(await ask(options), version);
  });
}

Deno.test("the SDK's client 1.32.2 lists and uses tools, prompts and resources at revision 2025-11-25", async () => {
  const { code, stdout, text } = await runPackage(new URL("sdk_v1.ts", import.meta.url), [path.url, path.key], folder);
  assertEquals(code, 0, text);
  assertAnswers(JSON.parse(stdout), "2025-11-25");
});

Deno.test("an agent registers a server and stores its credential by MCP; the server has it, and no answer does", async () => {
  const client = new Client({ name: "sdk-v2", version: "1" }, { versionNegotiation: { mode: "auto" } });
  const requestInit = { headers: { "x-api-key": path.key } };
  await client.connect(new StreamableHTTPClientTransport(new URL(path.url), { requestInit }));
  const call = (name: string, args: Record<string, unknown>) => client.callTool({ name, arguments: args });
  const names = async () => (await client.listTools()).tools.map(({ name }) => name);
  const credential = { service: "second", credentials: { api_key: VALUE } };
  const answers = [
    await call("hub.store_credential", credential),
    await call("hub.register_server", { ...EVERYTHING, server_id: "second", tool_prefix: "second." }),
    await names(),
    await call("second.get-env", {}),
    await call("hub.server_status", { server_id: "second" }),
    await call("hub.list_credentials", {}),
    await call("hub.delete_server", { server_id: "second" }),
    await call("hub.delete_credential", { service: "second" }),
  ];
  const text = JSON.stringify(answers);
  assert(answers.every((answer) => !("isError" in answer)), text);
  assert(text.includes("second.echo") && text.includes("[redacted SECOND_API_KEY]") && !text.includes(VALUE), text);
  assertEquals((await names()).some((name) => name.startsWith("second.")), false);
  await client.close();
});

Deno.test("the MCP Inspector's command line 2.12.0 lists tools, calls them, and shows an error", async () => {
  const inspect = (...args: string[]) => {
    const all = ["--cli", path.url, "--transport", "http", "--header", `X-API-Key: ${path.key}`, "--method", ...args];
    return runPackage(INSPECTOR, all, folder);
  };
  const list = await inspect("tools/list");
  assertEquals(list.code, 0, list.text);
  const names: string[] = JSON.parse(list.stdout).tools.map(({ name }: { name: string }) => name);
  assert(names.includes("hub.server_status") && names.includes("everything.echo"), list.text);

  const echo = await inspect("tools/call", "--tool-name", "everything.echo", "--tool-arg", "message=hello");
  assertEquals(JSON.parse(echo.stdout).content, [{ type: "text", text: "Echo: hello" }], echo.text);

  const own = await inspect("tools/call", "--tool-name", "hub.list_credentials", "--tool-args-json", '{"limit": 1}');
  assertEquals(JSON.parse(own.stdout).structuredContent.count, 0, own.text);

  const refused = await inspect("tools/call", "--tool-name", "hub.delete_server", "--tool-args-json", "{}");
  assertMatch(refused.text, /server_id: is required/);
});

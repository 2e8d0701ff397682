import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { callTool, COMMANDS, startExecutor } from "../../testing/executor.ts";
import { makeFolder, serverOf } from "../../testing/make.ts";
import { ToolCallError } from "../../tool_call_error.ts";
import { parsePythonPackage } from "./python.ts";

const PYTHON = "/usr/bin/python3";
const UV = "uv==0.13.9";
const TIME = { name: "mcp-server-time", version: "2026.10.19" };

/** uv in a folder of the test's. @returns the path of uvx */
async function installUv(folder: string): Promise<string> {
  const args = ["-m", "pip", "install", "--quiet", "--only-binary", ":all:", "--target", folder, UV];
  const { success, stderr } = await new Deno.Command(PYTHON, { args, stderr: "piped" }).output();
  assert(success, new TextDecoder().decode(stderr));
  return `${folder}/bin/uvx`;
}

Deno.test("parsePythonPackage() takes names with and without a version, and nothing else", () => {
  assertEquals(parsePythonPackage("MCP_server.Time"), { name: "mcp-server-time", version: undefined });
  for (const text of ["mcp-server-time@2026.10.19", "mcp-server-time==2026.10.19"]) {
    assertEquals(parsePythonPackage(text), TIME, text);
  }
  assertEquals(parsePythonPackage("x@1.0rc1")?.version, "1.0rc1");
  for (
    const text of ["", "-e", "--from", "../x", "./x.whl", "a b", "x>=1", "x==1.*", "x@https://h/x", "x[y]", "x==1==2"]
  ) {
    assertEquals(parsePythonPackage(text), undefined, text);
  }
});

Deno.test("a Python package runs from the store as uvx names it, locked and pinned, without its network", async () => {
  const tools = await makeFolder();
  const commands = [...COMMANDS, `uvx=${await installUv(tools)}`];
  await using executor = await startExecutor({ commands });
  const store = executor.pythonPackages;
  const pinned = await store.add(TIME);
  assertEquals(pinned.version, TIME.version);
  assertMatch(pinned.integrity, /^sha256-[A-Za-z0-9+/]{43}=$/);
  assertEquals(await store.list(), [{ name: TIME.name, ...pinned, pinned: true, versions: [TIME.version] }]);
  assertEquals(await executor.packages.list(), []);
  for (const args of [[TIME.name], [`${TIME.name}@${TIME.version}`], ["--from", TIME.name, TIME.name]]) {
    const server = serverOf({ command: "uvx", args: [...args, "--local-timezone=UTC"], tool_prefix: "time." });
    const client = await executor.connect({ server, tool: "time.get_current_time" });
    assertMatch(
      await callTool(client, "time.get_current_time", { timezone: "Europe/Rome" }),
      /Europe\/Rome/,
      args.join(" "),
    );
    await client.close();
  }
  const { message, cause } = await assertRejects(() => store.add({ ...TIME, version: "0.0.1" }), ToolCallError);
  assertMatch(message, /mcp-server-time could not be installed/);
  assertMatch(String(cause), /0\.0\.1/);
  await Deno.remove(tools, { recursive: true });
});

Deno.test("a Python package or script that is not in the store is an error that says what to do", async () => {
  await using executor = await startExecutor({ commands: [...COMMANDS, "uvx=/usr/bin/true"] });
  const say = async (args: string[]) => {
    const server = serverOf({ command: "uvx", args, tool_prefix: "time." });
    const client = await executor.connect({ server, tool: "time.x" });
    const text = await callTool(client, "time.x");
    await client.close();
    return text;
  };
  assertMatch(
    await say(["mcp-server-time"]),
    /mcp-server-time is not installed: ask the operator of the Executor to add/,
  );
  assertMatch(await say(["--from", "x", "-c"]), /the arguments must be a package/);
  assertMatch(await say(["--with", "x"]), /the arguments must be a package/);
});

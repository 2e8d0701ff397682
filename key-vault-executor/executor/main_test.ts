import { assert, assertEquals, assertMatch } from "@std/assert";
import { findProcesses, makeFolder, makeHub, serverOf, until } from "./testing/make.ts";
import { VARIABLES } from "./settings.ts";

const MAIN = new URL("./main.ts", import.meta.url).pathname;
const FIXTURE = new URL("./testing/fixtures/misbehave.mjs", import.meta.url);

/** A vault on loopback that knows one credential. */
function serveVault() {
  const credentials = [{ service: "amazon", credential_type: "api_key", credentials: { api_key: "wJalrXUtnFEMI" } }];
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    await request.text();
    return Response.json({ ok: true, status: "success", data: { credentials } });
  });
}

interface ExecutorProgram {
  url: string;
  child: Deno.ChildProcess;
  output: () => string;
}

/** The program with its own folder of servers. Ended by the test. */
async function start(
  folder: string,
  variables: Record<string, string>,
  options: string[] = [],
): Promise<ExecutorProgram> {
  await Deno.copyFile(FIXTURE, `${folder}/misbehave.mjs`);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--unstable-no-legacy-abort", MAIN, ...options],
    env: { EXECUTOR_PORT: "0", EXECUTOR_SERVERS: folder, EXECUTOR_PACKAGES: `${folder}/packages`, ...variables },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let output = "";
  const collect = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>) => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) output += text;
  };
  void collect(child.stdout);
  void collect(child.stderr);
  let hasEnded = false;
  void child.status.then(() => hasEnded = true);
  await until(() => output.includes("listening") || hasEnded);
  const url = /"listening":"([^"]+)"/.exec(output)?.[1] ?? "";
  return { url, child, output: () => output };
}

async function callTool(
  url: string,
  hub: Awaited<ReturnType<typeof makeHub>>,
  tool: string,
  args = {},
): Promise<string> {
  const server = serverOf({
    id: "44444444-4444-4444-8444-444444444444",
    args: ["misbehave.mjs"],
    tool_prefix: "amazon.",
  });
  const params = { name: `amazon.${tool}`, arguments: args };
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params });
  const token = hub.sign({ server, tool: params.name }, body);
  const headers = { "authorization": `Bearer ${token}`, "content-type": "application/json" };
  return await (await fetch(`${url}/mcp`, { method: "POST", headers, body })).text();
}

for (const signal of ["SIGTERM", "SIGKILL"] as const) {
  Deno.test(`${signal} leaves no process of a server, not even one that left the group`, async () => {
    const [folder, hub, vault] = [await makeFolder(), await makeHub(), serveVault()];
    const program = await start(folder, variablesOf(hub.verifyKeysText, vault.addr.port));
    const id = String(Date.now());
    assertMatch(await callTool(program.url, hub, "orphan", { id }), /spawned/);
    assertMatch(await callTool(program.url, hub, "environment"), /\[redacted AMAZON_API_KEY\]/);
    assertEquals((await findProcesses(`.${id}`)).length, 2);
    assert((await findProcesses(folder)).length > 0);
    program.child.kill(signal);
    const { code } = await program.child.status;
    assertEquals(code, signal === "SIGTERM" ? 0 : 137);
    await until(async () => (await findProcesses(folder)).length + (await findProcesses(`.${id}`)).length === 0);
    assertEquals(program.output().includes("wJalrXUtnFEMI"), false);
    await vault.shutdown();
    await Deno.remove(folder, { recursive: true });
  });
}

function variablesOf(verifyKeys: string, vaultPort: number): Record<string, string> {
  return {
    DECISION_VERIFY_KEYS: verifyKeys,
    VAULT_URL: `http://127.0.0.1:${vaultPort}`,
    EXECUTOR_KEY: `krn_${"a".repeat(49)}`,
  };
}

Deno.test("--no-sandbox warns, at the start and with each server that starts", async () => {
  const [folder, hub, vault] = [await makeFolder(), await makeHub(), serveVault()];
  const program = await start(folder, variablesOf(hub.verifyKeysText, vault.addr.port), ["--no-sandbox"]);
  assertMatch(await callTool(program.url, hub, "echo", { value: "hello" }), /hello/);
  assertEquals(program.output().match(/WITHOUT a sandbox/g)?.length, 2);
  program.child.kill("SIGTERM");
  assertEquals((await program.child.status).code, 0);
  await vault.shutdown();
  await Deno.remove(folder, { recursive: true });
});

Deno.test({
  name: "run by root, it does not start where servers, which nobody runs, may not read their folders",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    const [{ verifyKeysText }, folder] = [await makeHub(), await makeFolder()];
    await Deno.chmod(folder, 0o700);
    const program = await start(folder, variablesOf(verifyKeysText, 1));
    assertEquals((await program.child.status).code, 1);
    await until(() => /bubblewrap does not work here: .*Permission denied/.test(program.output()));
    await Deno.remove(folder, { recursive: true });
  },
});

Deno.test("it does not start without a key, without bubblewrap, or with an option that it does not know", async () => {
  const { verifyKeysText } = await makeHub();
  const folder = await makeFolder();
  const faults: [Record<string, string>, string[], RegExp, code?: number][] = [
    [{ DECISION_VERIFY_KEYS: "" }, [], /DECISION_VERIFY_KEYS is not set/],
    [{ PATH: "/nowhere" }, [], /bubblewrap \(bwrap\) is not installed.*--no-sandbox/],
    [{}, ["--sandbox"], /^error: unknown option '--sandbox' .*deno task executor --help\)\n$/, 2],
    [{ EXECUTOR_PACKAGES: "/dev/null/x" }, [], /the folder \/dev\/null\/x cannot be used/],
  ];
  for (const [variables, options, expected, exitCode = 1] of faults) {
    const program = await start(folder, { ...variablesOf(verifyKeysText, 1), ...variables }, options);
    assertEquals((await program.child.status).code, exitCode, String(expected));
    await until(() => expected.test(program.output()));
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("--help names every option and every variable, and what is used if it is absent", async () => {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["run", "-A", "--no-check", MAIN, "--help"] })
    .output();
  const help = new TextDecoder().decode(stdout);
  assertMatch(help, /^Usage: deno task executor .*\n\nRuns the Executor/);
  assertMatch(help, /^ {2}--no-sandbox {2,}run servers without bubblewrap/m);
  assertMatch(help, /^ {2}VAULT_URL +where the vault is \(required\)$/m);
  for (const { name } of VARIABLES) assertMatch(help, new RegExp(`^  ${name} .*(required|if absent)\\)$`, "m"), name);
});

Deno.test("build:executor makes one file that runs with nothing beside it", async () => {
  const [folder, { verifyKeysText }] = [await makeFolder(), await makeHub()];
  const { success } = await new Deno.Command(Deno.execPath(), { args: ["task", "--quiet", "build:executor"] }).output();
  assert(success);
  await Deno.copyFile(new URL("./dist/executor.js", import.meta.url), `${folder}/executor.js`);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-config", "--cached-only", "--unstable-no-legacy-abort", "executor.js"],
    cwd: folder,
    env: { ...variablesOf(verifyKeysText, 1), EXECUTOR_PORT: "0", DENO_DIR: `${folder}/deno` },
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value = "" } = await reader.read();
  const url = /"listening":"([^"]+)"/.exec(value)?.[1] ?? "";
  assertEquals(await (await fetch(`${url}/health`)).json(), { ok: true });
  child.kill("SIGTERM");
  await reader.cancel();
  assertEquals((await child.status).code, 0);
  await Deno.remove(folder, { recursive: true });
});

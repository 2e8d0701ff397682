import { Client } from "@modelcontextprotocol/client";
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { ChildTransport } from "../processes/child_transport.ts";
import type { Program } from "./program.ts";
import { DEFAULT_LIMITS, findSandboxFault, launch, type Limits, type SandboxOptions } from "./sandbox.ts";
import { findProcesses, makeFolder, testSandbox, until } from "../testing/make.ts";

const ENVIRONMENT = { AMAZON_API_KEY: "s3cr3t-of-this-tenant" };

interface SandboxedRun {
  limits?: Partial<Limits>;
  network?: string[];
  environment?: Record<string, string>;
  /** Other options than this machine's. */
  options?: Partial<SandboxOptions>;
}

/** The fixture, sandboxed, in its own folder. */
async function start({ limits, network = [], environment = ENVIRONMENT, options: others }: SandboxedRun = {}) {
  const folder = await makeFolder();
  const script = `${folder}/misbehave.mjs`;
  await Deno.copyFile(new URL("../testing/fixtures/misbehave.mjs", import.meta.url), script);
  await Deno.chmod(script, 0o644);
  const program: Program = { command: "/usr/bin/node", args: [script], reads: [folder], folder, name: "misbehave.mjs" };
  const options = { ...await testSandbox(), limits: { ...DEFAULT_LIMITS, ...limits }, network, ...others };
  const transport = new ChildTransport(launch(options, program, environment));
  const client = new Client({ name: "test", version: "1" });
  await client.connect(transport);
  const call = async (name: string, args: Record<string, unknown> = {}) => {
    const { content } = await client.request({ method: "tools/call", params: { name, arguments: args } }, {
      timeout: 20_000,
    });
    const [first] = content;
    return first?.type === "text" ? first.text : "";
  };
  const stop = async () => {
    await client.close();
    await Deno.remove(folder, { recursive: true });
  };
  return { folder, transport, call, stop, args: launch(options, program, environment).args };
}

Deno.test("the sandbox works on this machine, or the machine says why", async () => {
  assertEquals(await findSandboxFault(await testSandbox()), undefined);
  const without = { ...await testSandbox(), bubblewrap: undefined };
  assertMatch(await findSandboxFault(without) ?? "", /bwrap\) is not installed/);
  const broken = { ...await testSandbox(), bubblewrap: "/usr/bin/false" };
  assertMatch(await findSandboxFault(broken) ?? "", /bubblewrap does not work here/);
});

Deno.test("a credential is in the server's environment, and in no argument", async () => {
  const { call, stop, transport, args } = await start();
  const environment = JSON.parse(await call("environment"));
  assertEquals(environment.AMAZON_API_KEY, ENVIRONMENT.AMAZON_API_KEY);
  assertEquals(Object.keys(environment).sort(), ["AMAZON_API_KEY", "HOME", "LANG", "PATH", "PWD", "TMPDIR", "USER"]);
  assert(!args.join(" ").includes(ENVIRONMENT.AMAZON_API_KEY));
  assert(!(await Deno.readTextFile(`/proc/${transport.pid}/cmdline`)).includes(ENVIRONMENT.AMAZON_API_KEY));
  await stop();
});

Deno.test("a server sees its own processes only: no other tenant's, and not the Executor's environment", async () => {
  const other = await start({ environment: { AMAZON_API_KEY: "s3cr3t-of-another-tenant" } });
  const { call, stop } = await start();
  const seen = await call("environments");
  assert(seen.includes(ENVIRONMENT.AMAZON_API_KEY));
  assert(!seen.includes("s3cr3t-of-another-tenant"));
  for (const pid of [Deno.pid, other.transport.pid]) {
    assertMatch(await call("read", { path: `/proc/${pid}/environ` }), /^refused: ENOENT/, `process ${pid}`);
  }
  await Promise.all([stop(), other.stop()]);
});

Deno.test("a server sees no other user's files, and not another server's", async () => {
  const other = await start();
  const { call, stop, folder } = await start();
  const hidden = [Deno.cwd(), "/root", "/home", "/etc/passwd", "/etc/shadow", "/var", "/sys", "/run", other.folder];
  for (const path of hidden) assertMatch(await call("list", { path }), /^refused: ENO/, path);
  assertEquals(await call("list", { path: folder }), "misbehave.mjs");
  assertEquals(await call("list", { path: "/tmp" }), folder.split("/")[2] ?? "");
  await Promise.all([stop(), other.stop()]);
});

Deno.test("a server writes in its private /tmp only, and cannot fill a disk", async () => {
  const { call, stop, folder } = await start({ limits: { temporary: 2 ** 20 } });
  for (const path of ["/x", "/usr/x", "/dev/x", "/etc/x", `${folder}/misbehave.mjs`, `${folder}/x`]) {
    assertMatch(await call("write", { path, bytes: 1 }), /^refused: (EROFS|EACCES|EPERM)/, path);
  }
  assertEquals(await call("write", { path: "/tmp/x", bytes: 1000 }), "written");
  for (const path of ["/tmp/full", "/dev/shm/full"]) {
    assertMatch(await call("write", { path, bytes: 10_000_000 }), /^refused: ENOSPC/, path);
  }
  assertEquals(await Deno.stat("/tmp/full").catch(() => undefined), undefined);
  await stop();
});

Deno.test("a server without a network reaches no port of this machine, and no metadata address", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { call, stop } = await start();
  assertMatch(await call("reach", { host: "127.0.0.1", port: listener.addr.port }), /^refused/);
  assertMatch(await call("reach", { host: "169.254.169.254", port: 80 }), /^refused/);
  await stop();
  listener.close();
});

Deno.test("the operator's policy gives the network to a program by its name", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const [named, all, other] = await Promise.all(
    [["misbehave.mjs"], ["*"], ["another.js"]].map((network) => start({ network })),
  );
  assertEquals(await named?.call("reach", { host: "127.0.0.1", port }), "connected");
  assertEquals(await all?.call("reach", { host: "127.0.0.1", port }), "connected");
  assertMatch(await other?.call("reach", { host: "127.0.0.1", port }) ?? "", /^refused/);
  for (const server of [named, all, other]) await server?.stop();
  listener.close();
});

Deno.test("a fork loop ends at the limit, and another server does not feel it", async () => {
  const other = await start();
  const { call, stop } = await start({ limits: { processes: 40 } });
  const command = "for i in $(seq 200); do sleep 5 >/dev/null 2>&1 & done";
  assertMatch(await call("shell", { command }), /^refused/);
  assertEquals(await other.call("shell", { command: "echo fine" }), "fine\n");
  await Promise.all([stop(), other.stop()]);
});

// Each has some ten threads. Without a sandbox, a limit would count all processes of the user together.
Deno.test("twelve servers run at once, in a sandbox and without one", async () => {
  for (const options of [{}, { bubblewrap: undefined }]) {
    const servers: Awaited<ReturnType<typeof start>>[] = [];
    for (let count = 0; count < 12; count++) servers.push(await start({ options }));
    for (const { call } of servers) assertEquals(await call("shell", { command: "echo fine" }), "fine\n");
    await Promise.all(servers.map(({ stop }) => stop()));
  }
});

Deno.test("a server that wants 10 GB of memory does not get it", async () => {
  const { call, stop } = await start();
  const { message } = await assertRejects(() => call("memory"));
  assertMatch(message, /allocation failed|closed/i);
  await stop();
});

Deno.test("a server cannot make a user namespace, and has no capability", async () => {
  const { call, stop } = await start();
  assertMatch(await call("shell", { command: "unshare --user --map-root-user id" }), /^refused/);
  assertMatch(await call("shell", { command: "grep CapEff /proc/self/status" }), /0000000000000000/);
  await stop();
});

Deno.test("close() leaves no grandchild, not even one that left the group", async () => {
  const { call, stop } = await start();
  const id = String(Date.now());
  await call("orphan", { id });
  assertEquals((await findProcesses(`600.${id}`)).length, 1);
  assertEquals((await findProcesses(`601.${id}`)).length, 1);
  await stop();
  await until(async () => (await findProcesses(`.${id}`)).length === 0);
});

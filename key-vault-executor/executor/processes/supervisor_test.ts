import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { ToolCallError } from "../tool_call_error.ts";
import { IGNORE, toolCall } from "../testing/calls.ts";
import type { CredentialSource } from "../launch/credentials.ts";
import type { DecidedServer } from "shared/decision/decision.ts";
import { findProcesses, serverOf, until } from "../testing/make.ts";
import { CREDENTIAL, type ExecutorOptions, startExecutor, type TestExecutor } from "../testing/executor.ts";

const TENANT = "11111111-1111-4111-8111-111111111111";
const OTHER_TENANT = "55555555-5555-4555-8555-555555555555";
const SERVER = serverOf({ args: ["misbehave.mjs"], tool_prefix: "amazon." });

/** Calls a tool straight at the supervisor: these tests are not about HTTP. */
async function call(
  { supervisor }: TestExecutor,
  name: string,
  args: Record<string, unknown> = {},
  server: DecidedServer = SERVER,
  tenantId = TENANT,
): Promise<string> {
  const never = new AbortController().signal;
  const limits = { callMs: 10_000, totalMs: 20_000 };
  const result = await supervisor.use(
    { tenantId, decision: "a.b.c" },
    server,
    (running) => running.call(toolCall(name, args), limits, never, IGNORE),
  );
  const [first] = "content" in result && Array.isArray(result.content) ? result.content : [];
  return first?.type === "text" ? first.text : "";
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return (await assertRejects(() => work, ToolCallError)).code;
}

const slotOf = (executor: TestExecutor, tenantId = TENANT) => executor.supervisor.slots(tenantId)[0];

function start(supervisor: ExecutorOptions["supervisor"] = {}, credentials?: CredentialSource) {
  return startExecutor({ supervisor: { tickMs: 50, ...supervisor }, ...(credentials ? { credentials } : {}) });
}

Deno.test("calls of a tenant share a process, started once; another tenant's do not", async () => {
  await using executor = await start();
  const ids = await Promise.all(Array.from({ length: 10 }, () => call(executor, "pid")));
  assertEquals(new Set(ids).size, 1);
  const processOf = (tenantId: string) => slotOf(executor, tenantId)?.process.pid;
  await call(executor, "pid", {}, SERVER, OTHER_TENANT);
  assert(processOf(TENANT) !== processOf(OTHER_TENANT));
  assertEquals([slotOf(executor)?.calls, slotOf(executor)?.restarts, slotOf(executor)?.state], [10, 0, "idle"]);
});

Deno.test("a crash fails its calls at once, no call is repeated, and the server is back after a pause", async () => {
  await using executor = await start({ firstBackoffMs: 1000 });
  await call(executor, "pid");
  const begun = performance.now();
  const codes = await Promise.all(["never", "slow", "die"].map((name) => codeOf(call(executor, name, { ms: 5000 }))));
  assertEquals(codes, ["server_ended", "server_ended", "server_ended"]);
  assert(performance.now() - begun < 2000);
  assertEquals(slotOf(executor)?.state, "backoff");
  assertEquals(slotOf(executor)?.lastExit?.code, 3);
  assertEquals(await codeOf(call(executor, "pid")), "backing_off");
  await until(() => call(executor, "echo", { value: "back" }).then((text) => text === "back", () => false));
  assertEquals(slotOf(executor)?.restarts, 1);
});

Deno.test("five crashes in a row are a crash loop, which is tried again all the same", async () => {
  await using executor = await start({ firstBackoffMs: 40, maxBackoffMs: 900 });
  for (let crash = 0; crash < 5; crash++) {
    assertEquals(slotOf(executor)?.state, crash === 0 ? undefined : "backoff", `crash ${crash}`);
    await until(async () => await codeOf(call(executor, "die")) !== "backing_off");
  }
  assertEquals(slotOf(executor)?.state, "crash_loop");
  const { message } = await assertRejects(() => call(executor, "pid"), ToolCallError);
  assertMatch(message, /failed 5 times in a row: it is tried again in 1 s/);
  await until(() => call(executor, "pid").then(() => true, () => false));
  assertEquals(slotOf(executor)?.state, "idle");
});

Deno.test("a program that never starts is a failure of the server; one that is not there is not", async () => {
  await using executor = await start({ startMs: 1500 });
  await Deno.writeTextFile(`${executor.folder}/servers/broken.js`, 'console.error("no such thing"); process.exit(7);');
  const broken = serverOf({ args: ["broken.js"] });
  assertEquals(await codeOf(call(executor, "echo", {}, broken)), "start_failed");
  assertEquals(await codeOf(call(executor, "echo", {}, broken)), "backing_off");
  assertEquals(slotOf(executor)?.process.errors, ["no such thing"]);
  const missing = serverOf({ args: ["missing.js"], server_id: "x" });
  for (let round = 0; round < 2; round++) {
    assertEquals(await codeOf(call(executor, "echo", {}, missing)), "program_not_found", `call ${round}`);
  }
});

Deno.test("an idle process ends, and the next call starts another", async () => {
  await using executor = await start({ idleMs: 150 });
  await call(executor, "pid");
  await until(() => slotOf(executor)?.state === "stopped");
  assertEquals(await call(executor, "echo", { value: "again" }), "again");
  assertEquals([slotOf(executor)?.restarts, slotOf(executor)?.lastExit?.reason], [1, undefined]);
});

Deno.test("a call that takes longer than the idle time is not idle", async () => {
  await using executor = await start({ idleMs: 100 });
  assertEquals(await call(executor, "slow", { ms: 600 }), "slow");
});

Deno.test("a newer version ends the process of the older one, and refuses the older one's decisions", async () => {
  await using executor = await start();
  const running = codeOf(call(executor, "never"));
  await until(() => slotOf(executor)?.state === "running");
  await call(executor, "pid", {}, { ...SERVER, version: 2 });
  assertEquals(await running, "server_ended");
  assertEquals(slotOf(executor)?.server.version, 2);
  assertEquals(await codeOf(call(executor, "pid")), "stopping");
});

Deno.test("a replaced credential reaches the next call after its interval, in a new process", async () => {
  let value = "the-first-value-1";
  const credentials: CredentialSource = ({ service }) =>
    Promise.resolve([{ ...CREDENTIAL, service, credentials: { AMAZON_LENGTH: value.length, api_key: value } }]);
  await using executor = await start({ credentialMs: 200 }, credentials);
  const length = async () => JSON.parse(await call(executor, "environment")).AMAZON_LENGTH;
  assertEquals(await length(), "17");
  value = "the-second-value-22";
  await until(async () => await length() === "19");
  assertEquals(slotOf(executor)?.restarts, 1);
});

Deno.test("a tool that fails makes the Executor ask soon whether the credential was replaced, and else it does not", async () => {
  let asked = 0;
  const credentials: CredentialSource = ({ service }) => Promise.resolve([{ ...CREDENTIAL, service, asked: ++asked }]);
  await using executor = await start({ credentialMs: 60_000, failedCredentialMs: 0 }, credentials);
  for (const name of ["pid", "pid"]) await call(executor, name);
  assertEquals(asked, 1);
  await assertRejects(() => call(executor, "fail", { name: "NONE" }));
  for (const name of ["pid", "pid"]) await call(executor, name);
  assertEquals([asked, slotOf(executor)?.restarts], [2, 0]);
});

Deno.test("a credential that is deleted, or cannot be read any more, is used no longer", async () => {
  let answer: () => ReturnType<CredentialSource> = () => Promise.resolve([{ ...CREDENTIAL, service: "amazon" }]);
  await using executor = await start({ credentialMs: 0 }, () => answer());
  assertMatch(await call(executor, "environment"), /AMAZON_API_KEY/);
  answer = () => Promise.resolve([]);
  assert(!(await call(executor, "environment")).includes("AMAZON_API_KEY"));
  answer = () => Promise.reject(new ToolCallError("vault_unavailable", "the vault is away"));
  assertEquals(await codeOf(call(executor, "environment")), "vault_unavailable");
});

Deno.test("a process has so many calls in flight, a tenant so many, and another tenant does not feel it", async () => {
  await using executor = await start({ maxCallsInFlight: 3, maxCallsOfTenant: 4 });
  const second = serverOf({ ...SERVER, id: crypto.randomUUID(), server_id: "second" });
  const waiting = [SERVER, SERVER, SERVER, second].map((server) => call(executor, "slow", { ms: 1500 }, server));
  assertEquals(await codeOf(call(executor, "pid")), "busy");
  assertEquals(await codeOf(call(executor, "pid", {}, second)), "busy");
  assertMatch(await call(executor, "pid", {}, SERVER, OTHER_TENANT), /^\d+$/);
  assertEquals(await Promise.all(waiting), ["slow", "slow", "slow", "slow"]);
  assertMatch(await call(executor, "pid"), /^\d+$/);
});

Deno.test("a process that answers no health check is ended and counts as crashed", async () => {
  await using executor = await start({ healthMs: 100, healthTimeoutMs: 300 });
  await call(executor, "pid");
  const pid = slotOf(executor)?.process.pid;
  assert(pid !== undefined);
  Deno.kill(-pid, "SIGSTOP");
  // The sandbox has a process of its own before the server's: stop the whole group's children too.
  await stopChildren(pid);
  await until(() => slotOf(executor)?.state === "backoff");
  assertMatch(slotOf(executor)?.lastError ?? "", /health check/);
});

async function stopChildren(parent: number): Promise<void> {
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await Deno.readTextFile(`/proc/${name}/stat`).catch(() => "");
    if (Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) !== parent) continue;
    Deno.kill(Number(name), "SIGSTOP");
    await stopChildren(Number(name));
  }
}

Deno.test("close() does not wait for a server that is starting and never answers", async () => {
  const executor = await start();
  await Deno.writeTextFile(`${executor.folder}/servers/silent.js`, "setInterval(() => {}, 1000);");
  const starting = codeOf(call(executor, "echo", {}, serverOf({ args: ["silent.js"] })));
  await until(async () => (await findProcesses(`${executor.folder}/servers/silent.js`)).length > 0);
  const begun = performance.now();
  await executor.supervisor.close();
  assert(performance.now() - begun < 5000);
  assertEquals(await starting, "start_failed");
  await executor[Symbol.asyncDispose]();
});

Deno.test("close() ends every process, and nothing starts any more", async () => {
  const executor = await start();
  await call(executor, "pid");
  const slot = slotOf(executor);
  await executor.supervisor.close();
  assertEquals(slot?.process.pid, undefined);
  assertEquals(await codeOf(call(executor, "pid")), "stopping");
  await executor[Symbol.asyncDispose]();
});

Deno.test("a tenant has so many processes: a new one ends the one that was idle longest, and none that is in use", async () => {
  await using executor = await start({ maxProcessesOfTenant: 2 });
  const [second, third] = ["second", "third"].map((server_id) =>
    serverOf({ ...SERVER, id: crypto.randomUUID(), server_id })
  );
  await call(executor, "pid");
  await call(executor, "pid", {}, second);
  await call(executor, "pid", {}, SERVER, OTHER_TENANT);
  await call(executor, "pid", {}, third);
  const running = () => executor.supervisor.slots(TENANT).map(({ server }) => server.server_id);
  assertEquals(running(), ["second", "third"]);
  await call(executor, "pid");
  assertEquals(running(), ["test-server", "third"]);
  const waiting = [SERVER, third].map((server) => call(executor, "slow", { ms: 1500 }, server));
  assertEquals(await codeOf(call(executor, "pid", {}, second)), "busy");
  assertEquals(await Promise.all(waiting), ["slow", "slow"]);
});

import { assert, assertEquals } from "@std/assert";
import { ToolCallError } from "../tool_call_error.ts";
import { IGNORE, toolCall } from "../testing/calls.ts";
import { findProcesses, serverOf, until } from "../testing/make.ts";
import { startExecutor } from "../testing/executor.ts";

const TENANTS: string[] = Array.from({ length: 6 }, () => crypto.randomUUID());
const CLIENTS = 12;
const CHURN_MS = 6000;

Deno.test("while servers are killed at random no call gets another tenant's answer, and no process is left", async () => {
  const executor = await startExecutor({
    supervisor: { firstBackoffMs: 20, maxBackoffMs: 50, tickMs: 50 },
    credentials: ({ tenantId, service }) =>
      Promise.resolve([{
        service,
        credential_type: "api_key",
        credentials: { TENANT_NUMBER: TENANTS.indexOf(tenantId) },
      }]),
  });
  const servers = TENANTS.map((tenantId) => ({
    tenantId,
    servers: ["a.", "b."].map((tool_prefix) => serverOf({ args: ["misbehave.mjs"], tool_prefix })),
  }));
  const end = Date.now() + CHURN_MS;
  const limits = { callMs: 10_000, totalMs: 10_000 };
  const counts = { answered: 0, failed: 0, killed: 0 };

  const client = async () => {
    while (Date.now() < end) {
      const { tenantId, servers: own } = pick(servers);
      const signal = new AbortController().signal;
      try {
        const result = await executor.supervisor.use(
          { tenantId, decision: "a.b.c" },
          pick(own),
          (running) => running.call(toolCall("environment"), limits, signal, IGNORE),
        );
        const text = JSON.stringify(result);
        assert(text.includes(`TENANT_NUMBER\\":\\"${TENANTS.indexOf(tenantId)}\\"`), text);
        counts.answered++;
      } catch (error) {
        // What a caller may see of a killed server, and nothing else.
        if (!(error instanceof ToolCallError)) throw error;
        assert(["server_ended", "start_failed", "backing_off", "busy"].includes(error.code), error.code);
        counts.failed++;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
  };
  const killer = async () => {
    while (Date.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 150));
      const running = executor.supervisor.slots(pick(TENANTS)).filter((slot) => slot.process.pid !== undefined);
      const pid = running[0] && pick(running).process.pid;
      if (pid === undefined) continue;
      counts.killed++;
      // It may have ended by itself since.
      await Promise.resolve().then(() => Deno.kill(pid, "SIGKILL")).catch(() => {});
    }
  };
  await Promise.all([...Array.from({ length: CLIENTS }, client), killer()]);
  assert(counts.answered > 100 && counts.killed > 5, JSON.stringify(counts));
  const { folder } = executor;
  await executor[Symbol.asyncDispose]();
  await until(async () => (await findProcesses(folder)).length === 0);
  assertEquals(await findProcesses(folder), []);
});

function pick<T>(items: readonly T[]): T {
  const item = items[Math.floor(Math.random() * items.length)];
  if (item === undefined) throw new Error("there is nothing to pick from");
  return item;
}

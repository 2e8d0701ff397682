// deno-lint-ignore-file no-console -- a program for a terminal
/** `deno task soak --executor`: an Executor under load while its servers are killed. */

import { percentile } from "../../bench/support/figures.ts";
import { type Verdict, verdictLines } from "../../bench/support/verdict.ts";
import { type CallSample, isExpected, startCallers } from "./callers.ts";
import { findProcesses, residentMb, type SoakedExecutor, startExecutor, wait } from "./executor_process.ts";
import { makeFleet } from "./fleet.ts";
import { leftVerdict, type MemorySample, memoryVerdict, processVerdict } from "./verdicts.ts";

const CLIENTS = 16;
const PARTS = 10;
const SAMPLE_MS = 1000;
/** A server is killed so often: each of 40 servers every two minutes or so, so most of them run. */
const KILL_MS = 3000;
/** How long what was killed last may take to end. */
const SETTLE_MS = 3000;

/** Returns the exit code: 1 if a verdict fails. */
export async function soakExecutor(resources: AsyncDisposableStack, minutes: number): Promise<number> {
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "soak-" }));
  resources.defer(() => Deno.remove(folder, { recursive: true }));
  await Deno.chmod(folder, 0o755);
  await Deno.copyFile(new URL("server.mjs", import.meta.url), `${folder}/server.mjs`);
  const fleet = await makeFleet();
  const vault = fleet.serveVault();
  resources.defer(() => vault.shutdown());
  const executor = await startExecutor({ folder, verifyKey: fleet.verifyKey, vaultPort: vault.addr.port });
  resources.defer(() => executor.stop());
  console.log(`${CLIENTS} clients call ${fleet.servers.length} servers; one is killed every ${KILL_MS / 1000} s …`);

  const callers = startCallers(fleet, executor.url, CLIENTS);
  const chaos = startChaos(executor, fleet.mark);
  await tellParts(callers.calls, chaos.samples, minutes * 60_000 / PARTS);
  await chaos.stop();
  await callers.stop();
  await wait(SETTLE_MS);
  const running = await findProcesses(fleet.mark);
  const survived = executor.isRunning();
  await executor.stop();
  await wait(SETTLE_MS);
  const verdicts = [
    callVerdict(callers.calls, chaos.killed()),
    { kept: survived, text: `the Executor ${survived ? "ran" : "did not run"} to the end` },
    processVerdict(running, fleet.servers.map(({ server }) => server.args[1] ?? "")),
    leftVerdict(await findProcesses(fleet.mark)),
    memoryVerdict(chaos.samples),
  ];
  console.log(verdictLines(verdicts));
  return verdicts.every(({ kept }) => kept) ? 0 : 1;
}

/** Kills a random process of a random server again and again, and takes samples of the Executor's memory. */
function startChaos({ pid }: SoakedExecutor, mark: string) {
  const samples: MemorySample[] = [];
  const begunAt = performance.now();
  let killed = 0;
  const sample = async () => {
    const mb = await residentMb(pid);
    if (mb !== undefined) samples.push({ at: performance.now(), seconds: (performance.now() - begunAt) / 1000, mb });
  };
  const kill = async () => {
    const found = await findProcesses(mark);
    const victim = found[Math.floor(Math.random() * found.length)];
    if (victim === undefined) return;
    try {
      Deno.kill(victim.pid, "SIGKILL");
      killed++;
    } catch {
      // It has ended.
    }
  };
  const timers = [setInterval(() => void sample(), SAMPLE_MS), setInterval(() => void kill(), KILL_MS)];
  return {
    samples,
    killed: () => killed,
    async stop() {
      timers.forEach(clearInterval);
      await sample();
    },
  };
}

async function tellParts(calls: CallSample[], samples: MemorySample[], partMs: number): Promise<void> {
  const begunAt = performance.now();
  for (let part = 0; part < PARTS; part++) {
    const from = performance.now();
    await wait(begunAt + (part + 1) * partMs - performance.now());
    const recent = calls.filter(({ at }) => at >= from);
    const times = recent.filter(({ outcome }) => outcome === "ok").map(({ ms }) => ms).sort((a, b) => a - b);
    console.log([
      `${part + 1} of ${PARTS}: ${(times.length / partMs * 1000).toFixed(0)} calls per second`,
      `p50 ${percentile(times, 0.5).toFixed(1)} ms`,
      `p99 ${percentile(times, 0.99).toFixed(1)} ms`,
      `${recent.length - times.length} errors`,
      `${samples.at(-1)?.mb.toFixed(0)} MB`,
    ].join(", "));
  }
}

function callVerdict(calls: CallSample[], killed: number): Verdict {
  const counts = new Map<string, number>();
  for (const { outcome } of calls) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  const told = [...counts].map(([outcome, count]) => `${count} ${outcome}`).join(", ");
  const isGood = killed > 0 && calls.every(isExpected) && (counts.get("ok") ?? 0) > 0;
  return { kept: isGood, text: `${calls.length} calls, ${killed} processes killed: ${told}; no other tenant's answer` };
}

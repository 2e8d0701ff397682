// deno-lint-ignore-file no-console -- a program for a terminal
/**
 * `deno task soak`: runs both projects under mixed load for ten minutes, then kills and restarts PostgreSQL under load.
 * With `--executor`, it kills servers of an Executor. Prints progress and then one verdict per line. Exits with 1
 * if a verdict fails.
 */

import { InvalidArgumentError } from "commander";
import { runWithResources } from "../bench/support/program.ts";
import { openRig, type Rig } from "../bench/support/rig.ts";
import { type Verdict, verdictLines } from "../bench/support/verdict.ts";
import { newProgram, runProgram } from "../cli/program.ts";
import { soakExecutor } from "./executor/soak.ts";
import { countThere, findLosses, type Ledger } from "./ledger.ts";
import { type MixedLoad, startMixedLoad } from "./load.ts";
import { describePart, type Outage, outageVerdicts, partsOf, steadyVerdicts } from "./verdicts.ts";
import { type Watch, watchVitals } from "./vitals.ts";

const CLIENTS = 16;
const PARTS = 10;
/** How long PostgreSQL is stopped, and how long the load continues after its return, in milliseconds. */
const AWAY_MS = 5000;
const AFTER_MS = 15_000;

const program = newProgram(
  "soak",
  "Runs both projects under mixed load on PostgreSQL 17, kills and restarts PostgreSQL, and reports each verdict.",
)
  .option("--minutes <n>", "how long the steady load runs; each tenth prints a line", readMinutes, 10)
  .option("--executor", "an Executor instead: 40 servers of 8 tenants, killed at random under load (needs bubblewrap)")
  .action(({ executor, minutes }: { executor?: true; minutes: number }) =>
    runWithResources((resources) => executor ? soakExecutor(resources, minutes) : soak(resources))
  );

if (import.meta.main) await runProgram(program);

function readMinutes(text: string): number {
  const minutes = Number(text);
  if (minutes >= 0.5 && minutes < Infinity) return minutes;
  throw new InvalidArgumentError("It must be a number, 0.5 or more.");
}

/** Returns the exit code: 1 if a verdict fails. */
async function soak(resources: AsyncDisposableStack): Promise<number> {
  const { minutes } = program.opts<{ minutes: number }>();
  console.log("starting PostgreSQL 17 and both projects …");
  const rig = await openRig(resources);
  const ledger: Ledger = [];
  const watch = watchVitals(rig);
  resources.defer(() => watch.stop());
  const load = startMixedLoad(rig, CLIENTS, ledger);
  resources.defer(() => load.stop());

  const steady = await keepSteady(load, watch, minutes * 60_000 / PARTS);
  const outage = await interrupt(rig);
  await wait(AFTER_MS);
  await load.stop();
  console.log(`looking for ${countThere(ledger)} acknowledged things …`);
  const losses = await findLosses(rig, ledger);
  const text = `${losses.length} of ${countThere(ledger)} acknowledged things were lost ${
    losses.slice(0, 3).join(", ")
  }`;
  const loss = { kept: losses.length === 0, text: text.trim() };
  const verdicts = [...steady, ...outageVerdicts(load.samples, outage), loss];
  console.log(verdictLines(verdicts));
  return verdicts.every(({ kept }) => kept) ? 0 : 1;
}

/** Waits while the load runs, and prints a line for each part. */
async function keepSteady(load: MixedLoad, watch: Watch, partMs: number): Promise<Verdict[]> {
  const begunAt = performance.now();
  const parts = () => partsOf(load.samples, watch.vitals, begunAt, partMs, PARTS);
  for (let part = 0; part < PARTS; part++) {
    await wait(begunAt + (part + 1) * partMs - performance.now());
    const told = parts()[part];
    if (told) console.log(`${part + 1} of ${PARTS}: ${describePart(told, partMs)}`);
  }
  return steadyVerdicts(parts());
}

async function interrupt({ database }: Rig): Promise<Outage> {
  console.log("killing PostgreSQL …");
  const killedAt = performance.now();
  await database.kill();
  const goneAt = performance.now();
  await wait(AWAY_MS);
  console.log("starting it again …");
  const startedAt = performance.now();
  await database.start();
  return { killedAt, goneAt, startedAt, returnedAt: performance.now() };
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

// deno-lint-ignore-file no-console -- a program for a terminal
/**
 * `deno task soak`: both projects under mixed load for ten minutes, then with PostgreSQL killed and started again under it.
 * Progress, then a verdict per line; exit code 1 when one is not kept.
 */

import { parseArgs } from "node:util";
import { type Verdict, verdictLines } from "./bench/verdicts.ts";
import { makeFolder, type Rig, startRig } from "./slow/rig.ts";
import { countThere, findLosses, type Ledger } from "./soak/ledger.ts";
import { type MixedLoad, startMixedLoad } from "./soak/load.ts";
import { describePart, type Outage, outageVerdicts, partsOf, steadyVerdicts } from "./soak/verdicts.ts";
import { type Watch, watchVitals } from "./soak/vitals.ts";
import { StackError, tell } from "./stack/child.ts";

const HELP =
  `Keeps both projects under mixed load on native PostgreSQL 17, kills that under it, and tells what has held.

Usage: deno task soak [options]

  --minutes N   how long the load is steady (default 10); what is told of a minute is told of a tenth of it
  --help        this text
`;

const CLIENTS = 16;
const PARTS = 10;
/** How long PostgreSQL stays away, and how long the load goes on after its return, in milliseconds. */
const AWAY_MS = 5000;
const AFTER_MS = 15_000;

if (import.meta.main) {
  const resources = new AsyncDisposableStack();
  const asked = new Promise<number>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, () => resolve(130));
  });
  const code = await Promise.race([asked, main(resources)]);
  await resources.disposeAsync().catch(() => {});
  Deno.exit(code);
}

/** What it has started is in the resources, which are released whether it comes to its end or not. */
async function main(resources: AsyncDisposableStack): Promise<number> {
  try {
    const minutes = readMinutes();
    if (minutes === undefined) {
      console.log(HELP);
      return 0;
    }
    const verdicts = await soak(minutes, resources);
    console.log(verdictLines(verdicts));
    return verdicts.every(({ kept }) => kept) ? 0 : 1;
  } catch (error) {
    // Released before its end, it fails at whatever it was about.
    if (!resources.disposed) tell(error);
    return 1;
  }
}

function readMinutes(): number | undefined {
  try {
    const { values } = parseArgs({
      options: { minutes: { type: "string", default: "10" }, help: { type: "boolean", short: "h" } },
    });
    if (values.help) return undefined;
    const minutes = Number(values.minutes);
    if (minutes >= 0.5) return minutes;
    throw new Error("--minutes must be a number, 0.5 or more");
  } catch (error) {
    throw new StackError(`${error instanceof Error ? error.message : error} (see deno task soak --help)`);
  }
}

async function soak(minutes: number, resources: AsyncDisposableStack): Promise<Verdict[]> {
  console.log("starting PostgreSQL 17 and both projects …");
  const folder = await makeFolder();
  resources.defer(() => Deno.remove(folder, { recursive: true }));
  const rig = await startRig(folder);
  resources.defer(() => rig.stop());
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
  return [...steady, ...outageVerdicts(load.samples, outage), { kept: losses.length === 0, text: text.trim() }];
}

/** Lets the load go on, and tells each part of it. */
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

/** Kills PostgreSQL, and starts it again. */
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

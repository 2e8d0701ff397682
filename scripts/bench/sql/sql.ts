/**
 * Measures each SQL function over a direct connection, next to a select and a durable update by primary key, in
 * databases of several sizes. Also measures an insert without the prefix rule.
 */

import { type ScratchCluster, startCluster } from "../../test/support/cluster.ts";
import { callFor, type Figure, median, rateOf, type Round, summarize, timeOf } from "../support/figures.ts";
import type { Report, Scale } from "../support/part.ts";
import { type Layer, measureLayers } from "./layers.ts";
import { BASELINE_CALLS, HUB_CALLS, PAGE_OF_ONE, type SqlCall, VAULT_CALLS } from "./calls.ts";
import { type BenchPlace, CLIENTS, openPlace } from "./places.ts";
import { reportSql } from "./report.ts";

export interface SqlFigures {
  /** By function and number of rows: one client. */
  growth: Record<string, Record<string, Figure>>;
  /** By function: 16 clients at once, in the databases of the second size. */
  rates: Record<string, Rate>;
  /** The parts of a list's time. */
  layers: Layer[];
}

export interface Rate {
  rps: number;
  /** Parts of the baselines' rates: the median over the turns. */
  ofSelect: number;
  ofUpdate: number;
}

/** The same insert with the trigger disabled. */
export const WITHOUT_RULE = "register_mcp_server without the prefix rule";

/** Numbers of rows, the smallest first. */
const SIZES = [1000, 100_000];
const LARGE = 1_000_000;
const ROUNDS = 5;
const WARM_UP_CALLS = 10;
/** The turns in a round of rates. Each turn measures every function and the baselines. */
const TURNS = 4;

/** PostgreSQL's defaults: speed must not cost durability. Set here because the tests' cluster changes the first. */
const DURABLE = ["fsync=on", "synchronous_commit=on", "full_page_writes=on"];

interface Measured {
  name: string;
  kind: SqlCall["kind"];
  place: BenchPlace;
  /** Returns raw bytes: the driver's parsing is not the database's time. */
  call: (number: number) => Promise<unknown>;
  rounds: Round[];
}

/** Runs all measurements on their own cluster. */
export async function measureSql(scale: Scale, resources: AsyncDisposableStack): Promise<Report> {
  const { short, large: isLarge, onProgress } = scale;
  onProgress("starting PostgreSQL 17");
  const cluster = await startCluster(DURABLE);
  resources.defer(() => cluster.stop());
  const bySize: Measured[][] = [];
  for (const rows of isLarge ? [...SIZES, LARGE] : SIZES) {
    onProgress(`filling databases of ${rows.toLocaleString("en")} rows`);
    bySize.push(await prepare(cluster, rows, resources));
  }
  for (let round = 1; round <= ROUNDS; round++) {
    onProgress(`SQL functions, round ${round} of ${ROUNDS}`);
    await vacuum(bySize.flat());
    // Function by function, so that compared figures are measured at the same time.
    for (const same of transpose(bySize)) await measureRound(same, short ? 40 : 200, round);
  }
  const large = bySize[1] ?? bySize[0] ?? [];
  onProgress(`SQL functions, ${CLIENTS} concurrent clients`);
  await vacuum(large);
  const rates = await measureRates(large, short ? 100 : 1200);
  await vacuum(large);
  const layers = await measureLayers(placeOf(large, "list_mcp_servers"));
  return reportSql({ growth: byName(bySize), rates, layers });
}

/** All functions in databases with this many rows: both projects', and the hub's again without the prefix rule. */
async function prepare(cluster: ScratchCluster, rows: number, resources: AsyncDisposableStack): Promise<Measured[]> {
  const open = async (project: "governance-hub" | "key-vault-executor") => {
    const place = await openPlace(cluster, project, rows);
    resources.defer(() => place.close());
    return place;
  };
  const hub = await open("governance-hub");
  const free = await open("governance-hub");
  await free.owner`alter table public.tenant_mcp_servers disable trigger keep_tool_prefixes_apart`;
  const vault = await open("key-vault-executor");
  const register = HUB_CALLS.filter(({ name }) => name === "register_mcp_server");
  return [
    ...[...BASELINE_CALLS, ...HUB_CALLS].map((call) => measuredAt(hub, call)),
    ...register.map((call) => ({ ...measuredAt(free, call), name: WITHOUT_RULE })),
    ...VAULT_CALLS.map((call) => measuredAt(vault, call)),
  ];
}

function measuredAt(place: BenchPlace, { name, kind, call }: SqlCall): Measured {
  return { name, kind, place, call: (number) => call(place, number).raw(), rounds: [] };
}

/** Does autovacuum's work, which would otherwise run at random times. */
async function vacuum(measured: Measured[]): Promise<void> {
  for (const { owner } of new Set(measured.map(({ place }) => place))) await owner`vacuum`;
}

/** Calls one function in the databases of all sizes, in turns. */
async function measureRound(same: Measured[], calls: number, round: number): Promise<void> {
  const timed = same.map((measured) => ({ measured, timesMs: [] as number[] }));
  for (let call = 0; call < WARM_UP_CALLS + calls; call++) {
    for (const { measured, timesMs } of timed) {
      const ms = await timeOf(() => measured.call(round * 100_000 + call));
      if (call >= WARM_UP_CALLS) timesMs.push(ms);
    }
  }
  for (const { measured, timesMs } of timed) {
    measured.rounds.push({ timesMs, elapsedMs: timesMs.reduce((sum, ms) => sum + ms, 0) });
  }
}

/** The rates of calls that do not grow the tables, each measured for this many milliseconds of a round. */
async function measureRates(large: Measured[], rateMs: number): Promise<Record<string, Rate>> {
  const [hub, vault] = [placeOf(large, "list_mcp_servers"), placeOf(large, "list_credentials")];
  const counted = [
    ...large.filter(({ kind }) => kind === "read" || kind === "update"),
    ...PAGE_OF_ONE.map((call) => measuredAt(call.name.startsWith("list_mcp") ? hub : vault, call)),
  ].map((measured) => ({ ...measured, number: 0, rounds: [] as Round[] }));
  // Reads follow the select and updates follow the update, so that other load on the machine affects both equally.
  counted.sort((one, other) => one.kind.localeCompare(other.kind));
  const count = (each: typeof counted[number]) => callFor(rateMs / TURNS, CLIENTS, () => each.call(each.number++));
  for (const each of counted) await count(each);
  for (let turn = 0; turn < ROUNDS * TURNS; turn++) {
    for (const each of counted) each.rounds.push(await count(each));
  }
  return compare(Object.fromEntries(counted.map(({ name, rounds }) => [name, rounds.map(rateOf)])));
}

function compare(rates: Record<string, number[]>): Record<string, Rate> {
  const part = (own: number[], other: number[] = []) => median(own.map((rate, turn) => rate / (other[turn] ?? NaN)));
  return Object.fromEntries(
    Object.entries(rates).map(([name, own]) => [
      name,
      { rps: median(own), ofSelect: part(own, rates.select), ofUpdate: part(own, rates.update) },
    ]),
  );
}

function placeOf(measured: Measured[], name: string): BenchPlace {
  const found = measured.find((each) => each.name === name);
  if (found === undefined) throw new Error(`${name} is not measured`);
  return found.place;
}

function transpose(bySize: Measured[][]): Measured[][] {
  return (bySize[0] ?? []).map((_, index) => bySize.flatMap((measured) => measured[index] ?? []));
}

function byName(bySize: Measured[][]): Record<string, Record<string, Figure>> {
  return Object.fromEntries(
    transpose(bySize).map((same) => [
      same[0]?.name ?? "",
      Object.fromEntries(same.map(({ place, rounds }) => [String(place.rows), summarize(rounds)])),
    ]),
  );
}

/**
 * Each SQL function over a direct connection, beside a select and a durable update by primary key, in databases of several
 * sizes; and what inserting costs without the prefix rule.
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
  /** What a list is made of. */
  layers: Layer[];
}

export interface Rate {
  rps: number;
  /** Parts of the baselines' rates, as the median of what it was in each turn. */
  ofSelect: number;
  ofUpdate: number;
}

/** The same insert where the trigger is disabled. */
export const WITHOUT_RULE = "register_mcp_server without the prefix rule";

/** Numbers of rows, the smallest first. */
const SIZES = [1000, 100_000];
const LARGE = 1_000_000;
const ROUNDS = 5;
const WARM_UP_CALLS = 10;
/** A round of rates is so many turns, in each of which every function is counted and held against the baselines. */
const TURNS = 4;

/** What speed must not be bought with: PostgreSQL's own defaults, said since the cluster of the tests leaves the first out. */
const DURABLE = ["fsync=on", "synchronous_commit=on", "full_page_writes=on"];

interface Measured {
  name: string;
  kind: SqlCall["kind"];
  place: BenchPlace;
  /** Answers the bytes as they come: what a driver makes of them is not the database's time. */
  call: (number: number) => Promise<unknown>;
  rounds: Round[];
}

/** Runs the whole of it on a cluster of its own. */
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
    // Function by function, so that what is compared is measured at the same time.
    for (const same of transpose(bySize)) await measureRound(same, short ? 40 : 200, round);
  }
  const large = bySize[1] ?? bySize[0] ?? [];
  onProgress(`SQL functions, ${CLIENTS} clients at once`);
  await vacuum(large);
  const rates = await measureRates(large, short ? 100 : 1200);
  await vacuum(large);
  const layers = await measureLayers(placeOf(large, "list_mcp_servers"));
  return reportSql({ growth: byName(bySize), rates, layers });
}

/** Every function in databases of so many rows: both projects', and the hub's once more without the prefix rule. */
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

/** What autovacuum does at times of its own. */
async function vacuum(measured: Measured[]): Promise<void> {
  for (const { owner } of new Set(measured.map(({ place }) => place))) await owner`vacuum`;
}

/** The calls of one function in databases of every size, turn by turn. */
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

/** The rates of what leaves the tables as they are, each counted for so many milliseconds of a round. */
async function measureRates(large: Measured[], rateMs: number): Promise<Record<string, Rate>> {
  const [hub, vault] = [placeOf(large, "list_mcp_servers"), placeOf(large, "list_credentials")];
  const counted = [
    ...large.filter(({ kind }) => kind === "read" || kind === "update"),
    ...PAGE_OF_ONE.map((call) => measuredAt(call.name.startsWith("list_mcp") ? hub : vault, call)),
  ].map((measured) => ({ ...measured, number: 0, rounds: [] as Round[] }));
  // Reads come after the select and updates after the update, so that what else the machine does falls on both alike.
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

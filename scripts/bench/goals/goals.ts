/**
 * The main endpoints over both ways to the database, beside the baselines and, where its program is given, OpenBao: all
 * in turns in one run on durable PostgreSQL.
 */

import { callDirectly, closeDirectConnections } from "shared/database/direct_connection.ts";
import { apiKeyDigest } from "shared/auth/api_key.ts";
import { CLIENTS, endpointTable, measureInTurns, toJson } from "../endpoints/endpoints.ts";
import type { Figures } from "../support/turns.ts";
import { type BenchTarget, prepareEndpoints, startBaselines } from "../endpoints/targets.ts";
import { callFor, rateTo, type Round, summarize } from "../support/figures.ts";
import { mapValues, ms, table, times } from "../support/numbers.ts";
import type { Report, Scale } from "../support/part.ts";
import { openRig, type Rig } from "../support/rig.ts";
import { startOpenBao } from "./open_bao.ts";
import { goalVerdicts } from "./verdicts.ts";

const MEASURED = ["credentials-store", "credentials-retrieve", "credentials-list", "mcp-servers-list", "authorize"];
const ROUND_MS = 1000;
const CALLS_ROUNDS = 5;

export async function measureGoals(scale: Scale, resources: AsyncDisposableStack): Promise<Report> {
  scale.onProgress("starting PostgreSQL 17 and both projects, twice");
  const rig = await openRig(resources);
  const baselines = await startBaselines(rig, resources);
  const direct = await startDirectly(rig);
  const directly = (await prepareEndpoints(direct)).filter(({ name }) => MEASURED.includes(name));
  const own = directly.flatMap((target) => [target, overDataApi(target, rig, direct)]);
  const peers = scale.bao === undefined ? [] : await startOpenBao(scale.bao, resources);
  const figures = await measureInTurns([...baselines, ...own, ...peers], scale, resources, ROUND_MS);
  scale.onProgress("the vault's call to the hub");
  const skipped = peers.length > 0 ? [] : ["OpenBao was skipped: give the path of its program with --bao."];
  return {
    tables: [endpointTable(figures), ratioTable(figures), await hubCallTable(rig, scale), ...skipped],
    verdicts: goalVerdicts(figures),
    json: { goals: toJson(figures) },
  };
}

/** The same projects and databases, in processes whose functions call the databases directly. */
async function startDirectly(rig: Rig): Promise<Rig> {
  const start = (project: "governance-hub" | "key-vault-executor") =>
    rig.startProject(project, { environment: rig.directAccess(project) });
  return { ...rig, hub: await start("governance-hub"), vault: await start("key-vault-executor") };
}

/** The same requests, to the processes that call the data API. */
function overDataApi(target: BenchTarget, rig: Rig, direct: Rig): BenchTarget {
  const url = target.url.replace(direct.hub.url, rig.hub.url).replace(direct.vault.url, rig.vault.url);
  return { ...target, url, name: `${target.name}, data API` };
}

function ratioTable(figures: Figures): string {
  const rows = MEASURED.flatMap((name) =>
    CLIENTS.map((clients) => {
      const [own, slow] = [figures[name]?.[clients], figures[`${name}, data API`]?.[clients]];
      return [name, `${clients}`, own && slow ? times(rateTo(own, slow)) : ""];
    })
  );
  return table(["directly, to the data API", "clients", "rate"], rows);
}

/** What the vault asks the hub's database at each request, by itself. */
async function hubCallTable(rig: Rig, { short }: Scale): Promise<string> {
  const databaseUrl = rig.database.url("function_caller", "governance-hub");
  const digest = apiKeyDigest(rig.tenant.api_key);
  const caller = { api_key_sha256: digest, request_id: crypto.randomUUID() };
  const ask = () => callDirectly({ databaseUrl }, "authenticate_caller", { caller }, 4000);
  const rounds: Record<string, Round[]> = {};
  for (let round = 0; round <= CALLS_ROUNDS; round++) {
    for (const clients of CLIENTS) {
      const taken = await callFor(short ? 120 : ROUND_MS, clients, ask);
      if (round > 0) (rounds[clients] ??= []).push(taken);
    }
  }
  await closeDirectConnections();
  const rows = Object.entries(mapValues(rounds, summarize)).map((
    [clients, { rps, p50_ms, p99_ms }],
  ) => [clients, rps.toFixed(0), ms(p50_ms), ms(p99_ms)]);
  return table(["the vault's call to the hub, clients", "a second", "p50 ms", "p99 ms"], rows);
}

/** Mixed load: clients that each register, list, change and delete, and store, list, retrieve and delete, over and over. */

import { headersOf } from "../slow/calls.ts";
import type { Rig } from "../slow/rig.ts";
import { newServer } from "../testing/endpoints.ts";
import { type Ledger, type Thing, thingOf } from "./ledger.ts";

/** One answer. Times are those of `performance.now()`. */
export interface Sample {
  begunAt: number;
  endedAt: number;
  path: string;
  /** 0 when there was no answer. */
  status: number;
}

export interface MixedLoad {
  samples: Sample[];
  /** Settles once every client has had its last answer. */
  stop(): Promise<void>;
}

const ACCEPTED = [200, 201];
/** Of so many things one stays, so that there is something to lose. */
const KEPT_OF = 20;
const PAGE = 10;
const TIMEOUT_MS = 20_000;

/** Starts the clients. A client that gets another answer than it should leaves that thing, and goes on with a new one. */
export function startMixedLoad(rig: Rig, clients: number, ledger: Ledger): MixedLoad {
  const samples: Sample[] = [];
  let isStopping = false;
  const ended = Promise.all(Array.from({ length: clients }, async (_, client) => {
    for (let turn = 0; !isStopping; turn++) {
      const thing = thingOf(`soak-${client}-${turn}`);
      ledger.push(thing);
      const isKept = turn % KEPT_OF === 0;
      if (turn % 2 === client % 2) await serverTurn(rig, samples, thing, isKept);
      else await credentialTurn(rig, samples, thing, isKept);
    }
  }));
  return {
    samples,
    async stop() {
      isStopping = true;
      await ended;
    },
  };
}

async function serverTurn(rig: Rig, samples: Sample[], { name, server }: Thing, isKept: boolean): Promise<void> {
  const ask = (verb: string, body?: unknown) =>
    send(rig, samples, `${rig.hub.url}/functions/v1/mcp-servers/${verb}`, body);
  server.state = "unknown";
  if (!await ask("register", { ...newServer(name), name: "made" })) return;
  Object.assign(server, { state: "there", value: "made" });
  if (!await ask(`list?limit=${PAGE}`)) return;
  server.state = "unknown";
  if (!await ask("update", { server_id: name, name: "changed" })) return;
  Object.assign(server, { state: "there", value: "changed" });
  if (isKept) return;
  server.state = "unknown";
  if (await ask("delete", { server_id: name })) server.state = "gone";
}

async function credentialTurn(
  rig: Rig,
  samples: Sample[],
  { name, credential }: Thing,
  isKept: boolean,
): Promise<void> {
  const ask = (verb: string, body?: unknown) =>
    send(rig, samples, `${rig.vault.url}/functions/v1/credentials/${verb}`, body);
  credential.state = "unknown";
  if (!await ask("store", { service: name, credentials: { secret: name } })) return;
  Object.assign(credential, { state: "there", value: name });
  if (!await ask(`list?limit=${PAGE}`)) return;
  if (!await ask("retrieve", { service: name })) return;
  if (isKept) return;
  credential.state = "unknown";
  if (await ask("delete", { service: name })) credential.state = "gone";
}

/** Whether it was done. */
async function send({ tenant }: Rig, samples: Sample[], url: string, body?: unknown): Promise<boolean> {
  const begunAt = performance.now();
  const status = await fetch(url, {
    method: body === undefined ? "GET" : "POST",
    headers: { ...headersOf(tenant.api_key), "content-type": "application/json" },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).then(async (response) => {
    await response.text();
    return response.status;
  }).catch(() => 0);
  samples.push({ begunAt, endedAt: performance.now(), path: new URL(url).pathname, status });
  return ACCEPTED.includes(status);
}

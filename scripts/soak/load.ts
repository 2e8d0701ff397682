/** Mixed load: each client repeats register, list, update and delete, or store, list, retrieve and delete. */

import { type NextRequest, runClients } from "../bench/support/clients.ts";
import type { Rig } from "../bench/support/rig.ts";
import { headersOf } from "../test/resilience/traffic/calls.ts";
import { newServer } from "../test/support/endpoints.ts";
import { type Ledger, type Thing, thingOf } from "./ledger.ts";

/** One answer. Times are from `performance.now()`. */
export interface RequestSample {
  begunAt: number;
  endedAt: number;
  path: string;
  /** 0 without an answer. */
  status: number;
}

export interface MixedLoad {
  samples: RequestSample[];
  /** Settles when every client has its last answer. */
  stop(): Promise<void>;
}

/** The requests for one thing. Each yields whether it succeeded. After a failure, the client uses a new thing. */
type Turn = (thing: Thing, isKept: boolean) => Generator<NextRequest, void, boolean>;

/** One of this many things is kept: the check for losses needs data. */
const KEPT_OF = 20;
const PAGE = 10;

/** Starts the clients, half of them for each project. */
export function startMixedLoad({ hub, vault, tenant }: Rig, clients: number, ledger: Ledger): MixedLoad {
  const samples: RequestSample[] = [];
  let isStopping = false;
  const start = (url: string, turn: Turn) =>
    runClients({
      url,
      clients: clients / 2,
      headers: { ...headersOf(tenant.api_key), "content-type": "application/json" },
      requests: () => turns(turn, ledger),
      onAnswer({ status, ms, path }) {
        const endedAt = performance.now();
        samples.push({ begunAt: endedAt - ms, endedAt, path, status });
      },
      isOver: () => isStopping,
    });
  const ended = Promise.all([start(hub.url, serverTurn), start(vault.url, credentialTurn)]);
  return {
    samples,
    async stop() {
      isStopping = true;
      await ended;
    },
  };
}

/** One client's requests: each turn is for a new thing. */
function* turns(turn: Turn, ledger: Ledger): Generator<NextRequest, never, boolean> {
  for (let number = 0;; number++) {
    const thing = thingOf(`soak-${ledger.length}`);
    ledger.push(thing);
    yield* turn(thing, number % KEPT_OF === 0);
  }
}

function* serverTurn({ name, server }: Thing, isKept: boolean): ReturnType<Turn> {
  server.state = "unknown";
  if (!(yield post("mcp-servers/register", { ...newServer(name), name: "made" }))) return;
  Object.assign(server, { state: "there", value: "made" });
  if (!(yield get("mcp-servers/list"))) return;
  server.state = "unknown";
  if (!(yield post("mcp-servers/update", { server_id: name, name: "changed" }))) return;
  Object.assign(server, { state: "there", value: "changed" });
  if (isKept) return;
  server.state = "unknown";
  if (yield post("mcp-servers/delete", { server_id: name })) server.state = "gone";
}

function* credentialTurn({ name, credential }: Thing, isKept: boolean): ReturnType<Turn> {
  credential.state = "unknown";
  if (!(yield post("credentials/store", { service: name, credentials: { secret: name } }))) return;
  Object.assign(credential, { state: "there", value: name });
  if (!(yield get("credentials/list"))) return;
  if (!(yield post("credentials/retrieve", { service: name }))) return;
  if (isKept) return;
  credential.state = "unknown";
  if (yield post("credentials/delete", { service: name })) credential.state = "gone";
}

function post(path: string, body: unknown): NextRequest {
  return { method: "POST", path: `/functions/v1/${path}`, body: JSON.stringify(body) };
}

function get(path: string): NextRequest {
  return { method: "GET", path: `/functions/v1/${path}?limit=${PAGE}` };
}

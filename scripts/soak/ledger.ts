/** Records acknowledged writes under load, and checks that they are stored afterwards. */

import { headersOf } from "../test/resilience/traffic/calls.ts";
import type { Rig } from "../bench/support/rig.ts";

/** The state after the last acknowledged request. Unknown during a request, and after one that was not acknowledged. */
export interface Acknowledged {
  state: "never" | "there" | "gone" | "unknown";
  /** The server's name, or the secret of the credential. */
  value: string;
}

export interface Thing {
  name: string;
  server: Acknowledged;
  credential: Acknowledged;
}

export type Ledger = Thing[];

export function thingOf(name: string): Thing {
  return { name, server: { state: "never", value: "" }, credential: { state: "never", value: "" } };
}

/** Describes each acknowledged write that was lost. */
export async function findLosses(rig: Rig, ledger: Ledger): Promise<string[]> {
  const servers = await listServers(rig);
  const losses: string[] = [];
  for (const { name, server, credential } of ledger) {
    const found = servers.get(name);
    if (server.state === "there" && found !== server.value) losses.push(`server ${name} is ${found ?? "lost"}`);
    if (server.state === "gone" && found !== undefined) losses.push(`server ${name} exists again after its deletion`);
    if (credential.state === "there" && await retrieve(rig, name) !== credential.value) {
      losses.push(`credential ${name} is lost`);
    }
  }
  return losses;
}

/** How many acknowledged things must exist. */
export function countThere(ledger: Ledger): number {
  return ledger.flatMap(({ server, credential }) => [server, credential]).filter(({ state }) => state === "there")
    .length;
}

/** Reads all pages of the tenant's servers: their names by id. */
async function listServers({ hub, tenant }: Rig): Promise<Map<string, string>> {
  const names = new Map<string, string>();
  let cursor: string | null = null;
  do {
    const query: string = cursor === null ? "" : `?${new URLSearchParams({ cursor })}`;
    const response = await fetch(`${hub.url}/functions/v1/mcp-servers/list${query}`, {
      headers: headersOf(tenant.api_key),
    });
    const { data } = await response.json();
    for (const { server_id, name } of data.servers) names.set(server_id, name);
    cursor = data.next_cursor;
  } while (cursor !== null);
  return names;
}

async function retrieve({ vault, tenant }: Rig, service: string): Promise<unknown> {
  const response = await fetch(`${vault.url}/functions/v1/credentials/retrieve`, {
    method: "POST",
    headers: { ...headersOf(tenant.api_key), "content-type": "application/json" },
    body: JSON.stringify({ service }),
  });
  return (await response.json()).data?.credentials.secret;
}

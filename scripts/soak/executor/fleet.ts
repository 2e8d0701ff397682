/** The tenants of the Executor's soak test, their servers and credentials, the hub's key, and a vault on loopback. */

import { encodeHex } from "@std/encoding/hex";
import { type DecidedServer, signDecision } from "shared/decision/decision.ts";
import { importSigningKey, makeDecisionKeys } from "shared/decision/decision_keys.ts";
import { CliError } from "../../cli/error.ts";

const TENANTS = 8;
const SERVERS_OF_TENANT = 5;
export const TOOL = "who";

/** A server of a tenant, and the digest that it must answer with. */
export interface FleetServer {
  tenantId: string;
  organizationId: string;
  server: DecidedServer;
  digest: string;
}

export interface Fleet {
  servers: FleetServer[];
  verifyKey: string;
  /** In the name of each process that a server starts. */
  mark: string;
  sign(server: FleetServer, body: Uint8Array<ArrayBuffer>): string;
  /** Answers `credentials/use`. */
  serveVault(): Deno.HttpServer<Deno.NetAddr>;
}

/** The rows' ids are the same for each tenant: only the tenant tells their servers apart. */
export async function makeFleet(): Promise<Fleet> {
  const { signingKey, verifyKey } = await makeDecisionKeys();
  const key = importSigningKey(signingKey);
  if (key === undefined) throw new CliError("a new key does not have the form of a key");
  const mark = String(Date.now());
  const secrets = new Map<string, string>();
  const servers: FleetServer[] = [];
  const ids = Array.from({ length: SERVERS_OF_TENANT }, () => crypto.randomUUID());
  for (let tenant = 0; tenant < TENANTS; tenant++) {
    const [tenantId, organizationId] = [crypto.randomUUID(), crypto.randomUUID()];
    for (const [index, id] of ids.entries()) {
      const secret = encodeHex(crypto.getRandomValues(new Uint8Array(24)));
      secrets.set(`${tenantId} soak${index}`, secret);
      const server = serverOf(id, index, `tenant-${tenant}-server-${index}`, mark);
      servers.push({ tenantId, organizationId, server, digest: await digestOf(secret) });
    }
  }
  return {
    servers,
    verifyKey,
    mark,
    sign({ tenantId, organizationId, server }, body) {
      const actor = { kind: "agent", id: crypto.randomUUID() } as const;
      const subject = { jti: crypto.randomUUID(), tenant_id: tenantId, organization_id: organizationId, actor };
      return signDecision({ ...subject, server, method: "tools/call", tool: server.tool_prefix + TOOL }, body, key);
    },
    serveVault: () => serveVault(secrets),
  };
}

function serverOf(id: string, index: number, name: string, mark: string): DecidedServer {
  const args = ["server.mjs", name, mark];
  return { id, server_id: `server-${index}`, version: 1, command: "node", args, tool_prefix: `soak${index}.` };
}

/** Knows which tenant's secret is asked for by the request's own `tenant_id`, as the vault does. */
function serveVault(secrets: ReadonlyMap<string, string>) {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const { tenant_id, service } = await request.json();
    const secret = secrets.get(`${tenant_id} ${service}`);
    if (secret === undefined) return Response.json({ ok: false, error: { code: "not_found" } }, { status: 404 });
    const credentials = [{ service, credential_type: "api_key", credentials: { SOAK_API_KEY: secret } }];
    return Response.json({ ok: true, status: "success", data: { credentials } });
  });
}

async function digestOf(text: string): Promise<string> {
  return encodeHex(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))));
}

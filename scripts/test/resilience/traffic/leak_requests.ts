/** Sends canaries through every endpoint and every error path. */

import { assert, assertEquals } from "@std/assert";
import { serverOf, subjectOf } from "key-vault-executor/executor/testing/make.ts";
import { generateKey } from "shared/auth/api_key.ts";
import { signDecision } from "shared/decision/decision.ts";
import { importSigningKey } from "shared/decision/decision_keys.ts";
import { issueApiKey } from "../../../admin/client/operator.ts";
import { withConnection } from "../../../stack/postgres/cluster.ts";
import { endpointsOf } from "../../support/endpoints.ts";
import { newCanary, newPlainCanary } from "./canary.ts";
import { headersOf } from "./calls.ts";
import { lockTables } from "./ledger.ts";
import type { SendOptions, StackAnswer, Witness } from "./places.ts";
import { type Rig, type RunningProject, TRANSPORT } from "../processes/rig.ts";

/** The secret part of a key. Its first 8 characters are public. */
export function secretPart(key: string): string {
  return key.slice(8);
}

/** Additional headers of a client, each with a canary. */
function noise(canary: string): Record<string, string> {
  return {
    "user-agent": canary,
    "x-request-id": `${canary} is none`,
    cookie: `session=${canary}`,
    referer: `https://example.com/${canary}`,
    "x-forwarded-for": canary,
  };
}

/** Sends requests that every endpoint refuses, each with its own canaries. Returns the canaries. */
export async function sendRefused(rig: Rig, witness: Witness, project: RunningProject): Promise<string[]> {
  const canaries: string[] = [];
  const canary = () => canaries[canaries.push(newCanary()) - 1] ?? "";
  const plain = () => canaries[canaries.push(newPlainCanary()) - 1] ?? "";
  const unknownKey = (kind: "agent" | "kernel") => {
    const key = generateKey(kind);
    canaries.push(secretPart(key));
    return key;
  };
  const key = rig.tenant.api_key;
  const otherTenant = rig.organizations[1]?.tenants[0]?.id ?? "";
  const scopeless = await issueApiKey(hubOf(rig), rig.tenant.id, { name: "scopeless", scopes: [] });
  canaries.push(secretPart(scopeless.key));
  const json = { "content-type": "application/json" };
  const asked: Promise<unknown>[] = [];

  for (const { name, method, scope, paths, body: example } of await endpointsOf(project.project)) {
    const valid = (more: Record<string, unknown> = {}) => JSON.stringify({ ...example?.(), ...more });
    /** A valid body for the endpoint. Only the vault's may contain a secret. */
    const secret = () => valid(name === "credentials-store" ? { credentials: { [canary()]: canary() } } : {});
    const expect = (status: number, path: string, options: SendOptions, verb: string = method) =>
      asked.push(
        witness.send(project, verb, path, options).then((answer) => {
          assertEquals(answer.status, status, `${verb} ${path}: ${JSON.stringify(answer.body)}`);
        }),
      );
    const auth = headersOf(key);
    for (const path of paths) {
      const post = (status: number, headers: Record<string, string>, body: BodyInit) =>
        expect(status, path, { headers: { ...noise(plain()), ...json, ...headers }, body });
      const get = (status: number, headers: Record<string, string>, query: [string, string][] = []) =>
        expect(status, `${path}?${new URLSearchParams(query)}`, { headers: { ...noise(plain()), ...headers } });
      const send = (status: number, headers: Record<string, string>, more: Record<string, string> = {}) =>
        method === "GET"
          ? get(status, headers, Object.entries(more))
          : post(status, headers, JSON.stringify({ ...JSON.parse(secret()), ...more }));

      expect(405, path, { headers: { ...auth, ...json }, body: canary() }, "PUT");
      expect(404, `${path}/${plain()}`, { headers: auth, ...(method === "POST" && { body: canary() }) });
      send(401, {});
      send(401, { "x-api-key": plain() });
      send(401, { authorization: `Basic ${plain()}` });
      send(401, { authorization: `Bearer ${plain()}` });
      send(401, headersOf(unknownKey("agent")));
      send(401, headersOf(unknownKey("kernel")), { tenant_id: rig.tenant.id });
      send(401, { "x-api-key": `${unknownKey("agent")}0` });
      send(400, { ...auth, authorization: `Bearer ${unknownKey("kernel")}` });
      send(403, auth, { tenant_id: otherTenant });
      send(scope === null ? 200 : 403, headersOf(scopeless.key));
      send(400, auth, { tenant_id: canary() });
      send(400, auth, { [canary()]: canary() });
      if (method === "GET") {
        for (const name of ["limit", "cursor"]) get(400, auth, [[name, canary()]]);
        get(400, auth, [["limit", canary()], ["limit", canary()]]);
        continue;
      }
      expect(400, `${path}?${new URLSearchParams([[canary(), canary()]])}`, {
        headers: { ...auth, ...json },
        body: valid(),
      });
      post(400, auth, `{"service": ${JSON.stringify(canary())}, "credentials": {`);
      post(400, auth, JSON.stringify([canary()]));
      post(
        400,
        auth,
        JSON.stringify({ service: { [canary()]: canary() }, server_id: canary(), name: `\n${canary()}` }),
      );
      post(400, auth, `{"service": "s", "credentials": {${JSON.stringify(canary())}: 1e400}, "x": 1e400}`);
      post(400, auth, new Uint8Array([...new TextEncoder().encode(canary()), 0xff]));
      post(413, auth, JSON.stringify({ credentials: { [canary()]: "x".repeat(140_000) + canary() } }));
      expect(415, path, { headers: { ...auth, "content-type": `text/plain; charset=${plain()}` }, body: secret() });
    }
  }
  await Promise.all(asked);
  return canaries;
}

/** Stores, replaces, reveals, lists and deletes credentials. Returns their canaries. */
export async function sendStored(rig: Rig, witness: Witness): Promise<string[]> {
  const canaries: string[] = [];
  const callers = [["agent", headersOf(rig.tenant.api_key)], ["kernel", headersOf(rig.kernelKey)]] as const;
  for (const [caller, headers] of callers) {
    const tenant = caller === "kernel" ? { tenant_id: rig.tenant.id } : {};
    const post = (path: string, body: Record<string, unknown>, isRevealed = false) =>
      witness.send(rig.vault, "POST", path, {
        headers: { ...headers, "content-type": "application/json" },
        body: JSON.stringify({ ...body, ...tenant }),
        isRevealed,
      });
    const service = crypto.randomUUID();
    let credentials: Record<string, unknown> = {};
    for (const status of [201, 200]) {
      const canary = newCanary();
      canaries.push(canary);
      credentials = { [`member ${canary}`]: canary, list: [canary, { canary: canary.repeat(100) }] };
      assertEquals((await post("credentials/store", { service, credentials })).status, status, caller);
    }
    const revealed = await post("credentials/retrieve", { service }, true);
    assertEquals([revealed.status, revealed.body.data.credentials], [200, credentials], caller);
    const { credential_id } = revealed.body.data;
    if (caller === "kernel") canaries.push(await use(rig, service, credentials, post));
    assertEquals((await post("credentials-retrieve", { credential_id }, true)).status, 200, caller);
    const query = new URLSearchParams(tenant);
    assertEquals((await witness.send(rig.vault, "GET", `credentials/list?${query}`, { headers })).status, 200, caller);
    assertEquals((await post("credentials/delete", { credential_id })).status, 200, caller);
    assertEquals((await post("credentials/store", { service, credentials })).status, 201, caller);
  }
  return canaries;
}

/** Uses a credential as an Executor does. Returns the signature of the decision, without which it is no decision. */
async function use(
  { keys, organizations, tenant }: Rig,
  service: string,
  credentials: unknown,
  post: (path: string, body: Record<string, unknown>, isRevealed: boolean) => Promise<StackAnswer>,
): Promise<string> {
  const key = importSigningKey(keys.decision_signing_key);
  assert(key);
  const subject = subjectOf({
    tenant_id: tenant.id,
    organization_id: organizations[0]?.id ?? "",
    server: serverOf({ tool_prefix: `${service}.` }),
    tool: `${service}.order`,
  });
  const decision = signDecision(subject, new Uint8Array(), key);
  const used = await post("credentials/use", { service, decision }, true);
  assertEquals([used.status, used.body.data?.credentials[0]?.credentials], [200, credentials]);
  return decision.split(".")[2] ?? "";
}

/** Sends credentials during failures of the service itself. Returns their canaries. */
export async function sendAmidFaults(rig: Rig, witness: Witness): Promise<string[]> {
  const canaries: string[] = [];
  const headers = { ...headersOf(rig.tenant.api_key), "content-type": "application/json" };
  const post = async (status: number, verb: string, body: Record<string, unknown>) => {
    const answer = await witness.send(rig.vault, "POST", `credentials/${verb}`, {
      headers,
      body: JSON.stringify(body),
    });
    assertEquals(answer.status, status, JSON.stringify(answer.body));
  };
  const store = (status: number, service: string) => {
    const canary = newCanary();
    canaries.push(canary);
    return post(status, "store", { service, credentials: { [canary]: canary } });
  };
  const alter = (statement: string) =>
    withConnection(rig.database.url("supabase_admin", "key-vault-executor"), (run) => run(statement));

  await store(201, "altered");
  await alter(
    "update public.tenant_credentials set encrypted_credentials = decode(repeat('00', 40), 'hex') where service = 'altered'",
  );
  await post(500, "retrieve", { service: "altered" });
  await store(201, "of-another-key");
  await alter(
    "update public.tenant_credentials set encryption_key_id = 'ffffffffffffffff' where service = 'of-another-key'",
  );
  await post(503, "retrieve", { service: "of-another-key" });
  await alter("alter table public.tenant_credentials add constraint refuses check (service <> 'refused') not valid");
  await store(500, "refused");
  const unlock = await lockTables(rig);
  await store(503, "locked").finally(unlock);
  await rig.hub.process.kill();
  // Directly, the vault asks the hub's database and does not need the hub's process.
  await store(TRANSPORT === "direct" ? 201 : 503, "without-hub");
  await rig.restart("hub");
  await rig.database.stop();
  await store(503, "without-database");
  await rig.database.start();
  return canaries;
}

export function hubOf({ hub, keys }: Rig) {
  return { url: hub.url, ...keys.governance_hub };
}

/** The isolation matrix: every kind of caller calls every endpoint, in both URL forms, on one tenant's thing. */

import { assert, assertEquals } from "@std/assert";
import { generateKey } from "shared/auth/api_key.ts";
import {
  issueApiKey,
  issueKernel,
  type KeyOptions,
  revokeApiKey,
  revokeKernel,
  SCOPES,
} from "../../admin/client/operator.ts";
import type { ProjectName } from "../../stack/projects.ts";
import {
  addTenant,
  assertAlike,
  assertRefused,
  newTenant,
  type Reply,
  type Send,
  send,
  stack,
  type Tenant,
} from "../support/client.ts";
import { type EndpointCase, endpointsOf, newServer } from "../support/endpoints.ts";

interface MatrixCaller {
  key?: string;
  headers?: Record<string, string>;
  /** The tenant that a kernel names in its request. */
  tenantId?: string;
}

/**
 * `own`: the thing is theirs. `stranger`: they are served, but do not have it. `unable`: the answer says that they
 * may not act. Otherwise they are refused.
 */
type ExpectedOutcome = "own" | "stranger" | "unable" | [status: number, code: string];

const NO_KEY: ExpectedOutcome = [401, "unauthenticated"];
const NOT_YOURS: ExpectedOutcome = [403, "tenant_not_allowed"];

type MatrixRow = [name: string, caller: MatrixCaller, outcome: ExpectedOutcome];

async function callers(tenant: Tenant): Promise<MatrixRow[]> {
  const hub = stack.governance_hub;
  const { id: tenantId } = tenant;
  const sibling = await addTenant(tenant.organizationId);
  const foreign = await newTenant();
  const past = new Date(Date.now() - 1000).toISOString();
  const issue = (name: string, expires_at?: string) =>
    issueApiKey(hub, tenantId, { name, ...(expires_at && { expires_at }) });
  const issueTo = (name: string, expires_at?: string) =>
    issueKernel(hub, stack.kernel_hmac_secret, tenant.organizationId, { name, ...(expires_at && { expires_at }) });
  const [revoked, expired] = [await issue("revoked"), await issue("expired", past)];
  const [revokedKernel, expiredKernel] = [await issueTo("revoked"), await issueTo("expired", past)];
  await revokeApiKey(hub, revoked.id);
  await revokeKernel(hub, revokedKernel.id);
  const typo = (key: string) => key.slice(0, -1) + (key.endsWith("0") ? "1" : "0");
  return [
    ["its own key", { key: tenant.agent }, "own"],
    ["its own key that names it", { key: tenant.agent, tenantId }, "own"],
    ["its organization's kernel", { key: tenant.kernel, tenantId }, "own"],
    ["another tenant of the organization", { key: sibling.agent }, "stranger"],
    ["another tenant of the organization that names it", { key: sibling.agent, tenantId }, NOT_YOURS],
    ["another organization's tenant", { key: foreign.agent }, "stranger"],
    ["another organization's tenant that names it", { key: foreign.agent, tenantId }, NOT_YOURS],
    ["the kernel for another tenant of the organization", { key: tenant.kernel, tenantId: sibling.id }, "stranger"],
    ["the kernel for a tenant that does not exist", { key: tenant.kernel, tenantId: crypto.randomUUID() }, NOT_YOURS],
    ["a foreign kernel", { key: foreign.kernel, tenantId }, NOT_YOURS],
    ["a foreign kernel for its own tenant", { key: foreign.kernel, tenantId: foreign.id }, "stranger"],
    ["a revoked key", { key: revoked.key }, NO_KEY],
    ["an expired key", { key: expired.key }, NO_KEY],
    ["a revoked kernel", { key: revokedKernel.key, tenantId }, NO_KEY],
    ["an expired kernel", { key: expiredKernel.key, tenantId }, NO_KEY],
    ["an unknown key", { key: generateKey("agent") }, NO_KEY],
    ["an unknown kernel", { key: generateKey("kernel"), tenantId }, NO_KEY],
    ["a malformed key", { key: "mcp_not-a-key" }, NO_KEY],
    ["a malformed kernel key", { key: "krn_not-a-key", tenantId }, NO_KEY],
    ["a key with a wrong checksum", { key: typo(tenant.agent) }, NO_KEY],
    ["a kernel key with a wrong checksum", { key: typo(tenant.kernel), tenantId }, NO_KEY],
    ["no key", {}, NO_KEY],
    ["an agent's key as a bearer token", { headers: { authorization: `Bearer ${tenant.agent}` } }, NO_KEY],
    ["a kernel's key as X-API-Key", { headers: { "x-api-key": tenant.kernel }, tenantId }, NO_KEY],
    [
      "both headers",
      { key: tenant.agent, headers: { authorization: `Bearer ${tenant.kernel}` }, tenantId },
      [400, "ambiguous_credentials"],
    ],
  ];
}

/** Keys of the tenant and of its organization with limited scopes or services. */
async function narrowed(endpoint: EndpointCase, tenant: Tenant): Promise<MatrixRow[]> {
  const needed = endpoint.scope === null ? ["tools:call", "servers:read"] : [endpoint.scope];
  const others = SCOPES.filter((other) => !needed.includes(other));
  // authorize reports a missing scope or service in its answer. A key limited to other services does not see the thing.
  const without: ExpectedOutcome = endpoint.scope === null ? "unable" : [403, "insufficient_scope"];
  const elsewhere: ExpectedOutcome = endpoint.scope === null
    ? "unable"
    : endpoint.project === "governance-hub"
    ? "own"
    : endpoint.acts === "lists"
    ? "stranger"
    : [403, "insufficient_scope"];
  const limits: [string, Partial<KeyOptions>, ExpectedOutcome][] = [
    ["only the endpoint's scope", { scopes: needed }, "own"],
    ["all scopes but the endpoint's", { scopes: others }, without],
    ["no scope", { scopes: [] }, without],
    ["only other services", { services: ["amazon", "stripe"] }, elsewhere],
    ["no service", { services: [] }, elsewhere],
  ];
  const rows: MatrixRow[] = [];
  for (const [name, limit, outcome] of limits) {
    const options = { name, ...limit };
    const agent = await issueApiKey(stack.governance_hub, tenant.id, options);
    const kernel = await issueKernel(stack.governance_hub, stack.kernel_hmac_secret, tenant.organizationId, options);
    rows.push([`its own key with ${name}`, { key: agent.key }, outcome]);
    rows.push([`its organization's kernel with ${name}`, { key: kernel.key, tenantId: tenant.id }, outcome]);
  }
  return rows;
}

export async function testMatrix(project: ProjectName): Promise<void> {
  const tenant = await newTenant();
  const table = await callers(tenant);
  const owner = tenant.agent;

  for (const endpoint of (await endpointsOf(project)).filter(({ acts }) => acts !== "lends")) {
    const rows = [...table, ...await narrowed(endpoint, tenant)];
    for (const path of endpoint.paths) {
      for (const [name, caller, outcome] of rows) {
        const said = typeof outcome === "string" ? outcome : outcome.join(" ");
        Deno.test(`${endpoint.method} /${path} for ${name}: ${said}`, async () => {
          const thing = `thing-${crypto.randomUUID()}`;
          await create(project, owner, thing);
          const before = await read(project, owner, thing);
          const reply = await ask(endpoint, path, caller, thing);
          if (outcome === "own") return await assertServed(endpoint, reply, thing);
          // The owner's thing is unchanged, even if the other caller gets an answer.
          assertEquals(await read(project, owner, thing), before);
          if (outcome === "unable") return assertEquals(reply.body.data.reason, "insufficient_scope");
          if (outcome !== "stranger") return assertRefused(reply, ...outcome);
          await assertStranger(endpoint, reply, thing, () => ask(endpoint, path, caller, `no-${thing}`));
        });
      }

      for (
        const [refusal, what, count] of [[NO_KEY, "bad key", 13], [
          NOT_YOURS,
          "tenant of another caller",
          4,
        ]] as const
      ) {
        Deno.test(`${endpoint.method} /${path} refuses every ${what} with the same bytes`, async () => {
          const replies = [];
          for (const [, caller, outcome] of table) {
            if (outcome === refusal) replies.push(await ask(endpoint, path, caller, "thing"));
          }
          assertEquals(replies.length, count);
          assertAlike(replies);
        });
      }
    }
  }
}

function ask(
  endpoint: EndpointCase,
  path: string,
  { key, headers, tenantId }: MatrixCaller,
  thing: string,
): Promise<Reply> {
  const { project, method, body } = endpoint;
  const named = tenantId === undefined ? {} : { tenant_id: tenantId };
  const options: Send = { method, ...(key && { key }), ...(headers && { headers }) };
  return method === "GET" ? send(project, `${path}?${new URLSearchParams(named)}`, options) : send(project, path, {
    ...options,
    body: { ...body?.(endpoint.acts === "creates" ? undefined : thing), ...named },
  });
}

async function create(project: ProjectName, key: string, thing: string): Promise<void> {
  const reply = project === "governance-hub"
    ? await send(project, "mcp-servers/register", { key, body: newServer(thing) })
    : await send(project, "credentials/store", { key, body: { service: thing, credentials: { secret: thing } } });
  assertEquals(reply.status, 201);
}

/** The thing in its owner's list. */
async function read(project: ProjectName, key: string, thing: string): Promise<unknown> {
  const { body } = await send(project, project === "governance-hub" ? "mcp-servers/list" : "credentials/list", { key });
  return (body.data.servers ?? body.data.credentials).find((row: { server_id?: string; service?: string }) =>
    (row.server_id ?? row.service) === thing
  );
}

function assertServed({ acts }: EndpointCase, reply: Reply, thing: string): void {
  assertEquals(reply.status, acts === "creates" ? 201 : 200, reply.text);
  if (acts !== "creates") assert(reply.text.includes(thing) || reply.body.data.deleted === true, reply.text);
  if (acts === "decides") assertEquals([reply.body.data.allowed, reply.body.data.server.server_id], [true, thing]);
}

async function assertStranger(
  { acts }: EndpointCase,
  reply: Reply,
  thing: string,
  askForNone: () => Promise<Reply>,
): Promise<void> {
  assert(!reply.text.includes(thing), reply.text);
  if (acts === "creates" || acts === "lists") {
    return assertEquals(reply.status, acts === "creates" ? 201 : 200, reply.text);
  }
  if (acts === "on one") assertRefused(reply, 404, "not_found");
  else assertEquals([reply.status, reply.body.data.allowed, reply.body.data.reason], [200, false, "no_server"]);
  assertAlike([reply, await askForNone()]);
}

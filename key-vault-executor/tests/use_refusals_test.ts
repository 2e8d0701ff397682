/** Who may not use a credential, and with which decisions nobody may. */

import { assert, assertEquals } from "@std/assert";
import { makeDecisionKeys } from "shared/decision/decision_keys.ts";
import { issueApiKey } from "../../scripts/admin/client/operator.ts";
import { addTenant, assertRefused, get, type Reply, stack } from "../../scripts/test/support/client.ts";
import {
  decided,
  issueExecutor,
  newUseCase,
  serverWith,
  sign,
  store,
  use,
  type UseCase,
} from "../../scripts/test/support/use.ts";

const VAULT = "key-vault-executor";
const CANARY = "refused-canary";

type SendUse = (it: UseCase) => Promise<Reply>;
type Refusal = [name: string, ask: SendUse, status: number, code: string, field?: string];

/** The decision is good: the caller may not use it. */
const CALLERS: Refusal[] = [
  ["an agent without a decision of the hub", (it) => use(it, "a.b.c", {}, it.tenant.agent), 403, "kernel_required"],
  ["an agent", (it) => use(it, sign(decided(it)), {}, it.tenant.agent), 403, "kernel_required"],
  [
    "an agent with no scope but this",
    async (it) => {
      const options = { name: "agent", scopes: ["credentials:use"] };
      const { key } = await issueApiKey(stack.governance_hub, it.tenant.id, options);
      return use(it, sign(decided(it)), {}, key);
    },
    403,
    "kernel_required",
  ],
  [
    "a kernel without the scope",
    async (it) => {
      const scopes = ["servers:read", "servers:write", "credentials:read", "credentials:write", "credentials:reveal"];
      return use(it, sign(decided(it)), {}, (await issueExecutor(it.tenant, { scopes })).key);
    },
    403,
    "insufficient_scope",
  ],
  [
    "a kernel for other services",
    async (it) => {
      return use(it, sign(decided(it)), {}, (await issueExecutor(it.tenant, { services: ["stripe"] })).key);
    },
    403,
    "insufficient_scope",
  ],
  [
    "a kernel of another organization",
    async (it) => {
      return use(it, sign(decided(it)), {}, (await newUseCase()).executor);
    },
    403,
    "tenant_not_allowed",
  ],
  [
    "an unknown kernel",
    (it) => {
      return use(it, sign(decided(it)), {}, stack.organizations[0]?.kernel_key.replace(/.$/, "_"));
    },
    401,
    "unauthenticated",
  ],
];

/** The caller is the tenant's Executor: the decision allows something else, or nothing. */
const DECISIONS: [name: string, ask: SendUse][] = [
  ["another organization's decision", async (it) => use(it, sign(decided(await newUseCase())))],
  ["the decision of another organization about this tenant", (it) => {
    return use(it, sign(decided(it, { organization_id: crypto.randomUUID() })));
  }],
  ["the decision of another tenant of the organization", async (it) => {
    const { id } = await addTenant(it.tenant.organizationId);
    return use(it, sign(decided(it, { tenant_id: id })));
  }],
  ["this tenant's decision for another tenant of the organization", async (it) => {
    const { id } = await addTenant(it.tenant.organizationId);
    return use(it, sign(decided(it)), { tenant_id: id });
  }],
  ["an operator's decision", (it) => {
    return use(it, sign(decided(it, { actor: { kind: "operator", id: it.agentId } })));
  }],
  ["a decision for another service", (it) => use(it, sign(decided(it)), { service: "stripe" })],
  ["a decision for a longer prefix", (it) => {
    return use(it, sign(decided(it, { server: serverWith("amazon.order.") })));
  }],
  ["a decision for the prefix in other letters", (it) => {
    return use(it, sign(decided(it, { server: serverWith("Amazon.") })));
  }],
  ["a decision for a list without the server", (it) => {
    return use(it, sign(decided(it, { servers: [serverWith("stripe."), serverWith("shopify.")] })));
  }],
  ["a decision to end the server", (it) => use(it, sign({ ...decided(it), tool: undefined }))],
  ["a decision for no server", (it) => use(it, sign(decided(it, { servers: [] })))],
  ["an expired decision", (it) => use(it, sign(decided(it), undefined, 60, secondsAgo(120)))],
  ["a decision from the future", (it) => use(it, sign(decided(it), undefined, 60, secondsAgo(-120)))],
  ["a decision for more than a minute", (it) => use(it, sign(decided(it), undefined, 600))],
  [
    "a decision with another key",
    async (it) => use(it, sign(decided(it), (await makeDecisionKeys()).signingKey)),
  ],
  ["a decision whose tenant was changed", async (it) => {
    const [head, payload, signature] = sign(decided(await newUseCase())).split(".");
    const claims = JSON.parse(atob(payload?.replaceAll("-", "+").replaceAll("_", "/") ?? ""));
    const forged = { ...claims, tenant_id: it.tenant.id, organization_id: it.tenant.organizationId };
    return use(it, [head, encode(forged), signature].join("."));
  }],
  ["a decision without a signature", (it) => {
    const [, payload] = sign(decided(it)).split(".");
    return use(it, [encode({ alg: "none" }), payload, "AA"].join("."));
  }],
  ["a token that is no decision", (it) => use(it, "a.b.c")],
];

const BODIES: Refusal[] = ([
  ["no decision", { decision: undefined }, "decision"],
  ["an empty decision", { decision: "" }, "decision"],
  ["a decision that is no text", { decision: 1 }, "decision"],
  ["a decision with more after it", { decision: "a.b.c\n" }, "decision"],
  ["no service", { service: undefined }, "service"],
  ["a malformed service", { service: "amazon*" }, "service"],
  ["no tenant", { tenant_id: undefined }, "tenant_id"],
  ["a malformed tenant", { tenant_id: "acme" }, "tenant_id"],
  ["a field of another endpoint", { credential_type: "api_key" }, "credential_type"],
] as const).map(([name, changes, field]): Refusal => [
  name,
  (it) => use(it, sign(decided(it)), changes),
  400,
  "invalid_request",
  field,
]);

const REFUSALS: Refusal[] = [
  ...CALLERS,
  ...DECISIONS.map(([name, ask]): Refusal => [name, ask, 403, "decision_refused"]),
  ...BODIES,
];

for (const [name, ask, status, code, field] of REFUSALS) {
  Deno.test(`POST /credentials/use refuses ${name}: ${status} ${code}`, async () => {
    const it = await newUseCase();
    await store(it.tenant, "amazon", { api_key: CANARY });
    await store(it.tenant, "stripe", { api_key: CANARY });
    const reply = await ask(it);
    assertRefused(reply, status, code, field);
    assert(!reply.text.includes(CANARY), reply.text);
    const { events } = (await get(VAULT, "credentials/events", it.tenant.agent)).body.data;
    assertEquals(events.map((event: { action: string }) => event.action), ["store", "store"]);
    const { credentials } = (await get(VAULT, "credentials/list", it.tenant.agent)).body.data;
    assertEquals(credentials.map((row: { last_used_at: string }) => row.last_used_at), [null, null]);
  });
}

function secondsAgo(seconds: number): number {
  return Math.floor(Date.now() / 1000) - seconds;
}

function encode(claims: unknown): string {
  return btoa(JSON.stringify(claims)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

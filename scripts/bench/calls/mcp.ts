/** `--only mcp`: the whole path from agent to server, beside `authorize` of the same stack and direct stdio, in turns. */

import * as z from "zod/mini";
import { callDirectly, closeDirectConnections } from "shared/database/direct_connection.ts";
import { CliError } from "../../cli/error.ts";
import { eventually } from "../../test/resilience/processes/running.ts";
import { toJson } from "../endpoints/endpoints.ts";
import type { Figures } from "../support/turns.ts";
import type { Report, Scale } from "../support/part.ts";
import type { Verdict } from "../support/verdict.ts";
import { type CallStack, openCallStack, register } from "./call_stack.ts";
import { authorize, callThroughGateway, type Contender, post, startDirectly } from "./contenders.ts";
import { scriptOf } from "./programs.ts";
import { measureTenants, tenantJson, tenantTable, tenantVerdicts } from "./tenants.ts";
import { callTable, measureContenders } from "./turns.ts";
import { isAtMostLonger } from "./verdicts.ts";

const [DIRECT, AUTHORIZE, WHOLE, RECORD] = [
  "direct on stdio",
  "authorize",
  "the whole path",
  "wait for the event's disk",
];
const SERVER = "bench";
const LISTED_SERVERS = 50;
const LIST = `tools/list of ${LISTED_SERVERS} servers`;
const START_MS = 60_000;
const [MAX_EXTRA_MS, MAX_LIST_MS] = [4, 10];

const list = z.object({ result: z.object({ tools: z.array(z.object({ name: z.string() })) }) });

export async function measureMcp(scale: Scale, resources: AsyncDisposableStack): Promise<Report> {
  scale.onProgress("starting PostgreSQL 17, both projects and the Executor");
  const stack = await openCallStack(resources);
  const direct = resources.use(await startDirectly(scriptOf(stack)));
  await register(stack, stack.tenant, SERVER);
  const tool = `${SERVER}.echo`;
  const figures = await measureContenders([
    { name: DIRECT, call: direct.call },
    { name: AUTHORIZE, call: () => authorize(stack, stack.tenant, tool) },
    { name: WHOLE, call: () => callThroughGateway(stack, stack.tenant, tool) },
    { name: `${WHOLE}, 2025-11-25`, call: () => callThroughGateway(stack, stack.tenant, tool, "2025-11-25") },
    recording(stack, resources),
  ], scale);
  const shares = await measureTenants(stack, scale);
  const lists = await measureContenders([await listing(stack, scale)], scale, [1]);
  return {
    tables: [callTable("a tool call", { ...figures, ...lists }), tenantTable(shares), ...stack.notes],
    verdicts: [
      ...isAtMostLonger(figures, WHOLE, AUTHORIZE, MAX_EXTRA_MS),
      ...listVerdict(lists),
      ...tenantVerdicts(shares),
    ],
    json: { mcp: { calls: toJson({ ...figures, ...lists }), tenants: tenantJson(shares) } },
  };
}

/** The gateway does this while the tool works: an answer waits for the longer of both. */
function recording({ file }: CallStack, resources: AsyncDisposableStack): Contender {
  const url = file.governance_hub.database_url?.replace("//postgres:", "//function_caller:") ?? "";
  resources.defer(closeDirectConnections);
  return { name: RECORD, call: () => callDirectly({ databaseUrl: url }, "flush_events", {}, 4000) };
}

/** The servers of a tenant that has no others, all started. */
async function listing(stack: CallStack, scale: Scale): Promise<Contender> {
  const tenant = stack.file.organizations[0]?.tenants[1];
  if (tenant === undefined) throw new CliError("the stack has no second tenant");
  scale.onProgress(`starting ${LISTED_SERVERS} servers`);
  for (let server = 0; server < LISTED_SERVERS; server++) await register(stack, tenant, `many${server}`);
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list", params: {} });
  const call = async () => {
    const { tools } = list.parse(await post(stack.file.gateway.url, { "x-api-key": tenant.api_key }, body)).result;
    const listed = tools.filter(({ name }) => name.startsWith("many")).length;
    if (listed !== LISTED_SERVERS) throw new CliError(`a list has the tools of ${listed} servers`);
  };
  await eventually(START_MS, call);
  return { name: LIST, call };
}

function listVerdict(figures: Figures): Verdict[] {
  const figure = figures[LIST]?.[1];
  if (figure === undefined) return [];
  const text = `${LIST}, warm: ${figure.p50_ms.toFixed(2)} ms (under ${MAX_LIST_MS})`;
  return [{ kept: figure.p50_ms < MAX_LIST_MS, text }];
}

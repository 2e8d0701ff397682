import { assert, assertEquals } from "@std/assert";
import postgres from "postgres";
import { issueKernel } from "../../admin/client/operator.ts";
import { type ExecutorProcess, startExecutorProcess } from "./processes/executor_process.ts";
import { eventually } from "./processes/running.ts";
import { makeFolder, type RunningProject, startRig } from "./processes/rig.ts";

const CLIENTS = 16;
const SERVERS = 16;
/** In milliseconds: what a call takes, and how long a dead connection may be taken for a live one. */
const [CALL_MS, CLOSING_MS] = [200, 100];

const folder = await makeFolder();
const rig = await startRig(folder);
const [organization] = rig.organizations;
assert(organization);
const { key } = await issueKernel(
  { url: rig.hub.url, ...rig.keys.governance_hub },
  rig.keys.kernel_hmac_secret,
  organization.id,
  { name: "executor", scopes: ["credentials:use"] },
);
const executors = [await startExecutorProcess(rig, folder, key), await startExecutorProcess(rig, folder, key)];
const hub = await rig.startProject("governance-hub", {
  environment: {
    DECISION_SIGNING_KEY: rig.keys.decision_signing_key,
    EXECUTOR_URLS: executors.map(({ url }) => url).join(","),
  },
});
Deno.test.afterAll(async () => {
  for (const { process } of executors) await process.kill();
  await rig.stop();
  await Deno.remove(folder, { recursive: true });
});

interface TimedCall {
  id: string;
  begun: number;
  ended: number;
  /** The tool's result, or the error's message. */
  said: string;
}

async function send(
  { url }: RunningProject,
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<string> {
  const response = await fetch(`${url}/functions/v1/${path}`, {
    method: "POST",
    headers: { "x-api-key": rig.tenant.api_key, "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  return await response.text();
}

/** Every other call is of revision 2026-07-28. */
async function callTool(number: number): Promise<TimedCall> {
  const id = crypto.randomUUID();
  const name = `s${number % SERVERS}.slow`;
  const modern = number % 2 === 0;
  const params = { name, arguments: { ms: CALL_MS }, ...(modern && { _meta: ENVELOPE }) };
  const headers = modern ? { "mcp-protocol-version": VERSION, "mcp-method": "tools/call", "mcp-name": name } : {};
  const begun = performance.now();
  const text = await send(hub, "mcp", { jsonrpc: "2.0", id: 1, method: "tools/call", params }, {
    ...headers,
    "x-request-id": id,
  });
  const answer = JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? text);
  const said = answer.result?.content[0].text ?? answer.error?.message ?? text;
  return { id, begun, ended: performance.now(), said };
}

const VERSION = "2026-07-28";
const ENVELOPE = {
  "io.modelcontextprotocol/protocolVersion": VERSION,
  "io.modelcontextprotocol/clientInfo": { name: "test", version: "1" },
  "io.modelcontextprotocol/clientCapabilities": {},
};

/** Calls from all clients until the work is done. */
async function callDuring(work: () => Promise<void>): Promise<TimedCall[]> {
  const calls: TimedCall[] = [];
  let isDone = false;
  const client = async (first: number) => {
    for (let number = first; !isDone; number += CLIENTS + 1) calls.push(await callTool(number));
  };
  const clients = Array.from({ length: CLIENTS }, (_, index) => client(index));
  await work().finally(() => isDone = true);
  await Promise.all(clients);
  return calls;
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

function servedBy({ log }: ExecutorProcess): string[] {
  return log().filter(({ method }) => method === "tools/call")
    .map(({ request_id }) => String(request_id).slice(0, crypto.randomUUID().length));
}

Deno.test("kill -9 of one of two Executors under load fails only calls in flight, and runs no call twice", async () => {
  for (let number = 0; number < SERVERS; number++) {
    const server = { server_id: `s${number}`, name: "S", command: "node", args: ["misbehave.mjs"] };
    await send(hub, "mcp-servers/register", { ...server, tool_prefix: `s${number}.` });
  }
  await callDuring(() => pause(4000));
  const [first, second] = executors;
  assert(first && second);
  const before = [servedBy(first), servedBy(second)];
  for (const served of before) assert(served.length > 5, "each Executor has some of the servers");

  let killedAt = Infinity;
  const calls = await callDuring(async () => {
    await pause(1000);
    killedAt = performance.now();
    await first.process.kill();
    await pause(4000);
  });
  const lost = calls.filter(({ said }) => said !== "slow");
  for (const { begun, ended, said } of lost) {
    assertEquals(said, "the Executor went away during the call: it may have run");
    assert(begun < killedAt + CLOSING_MS, `it began ${Math.round(begun - killedAt)} ms after the kill`);
    assert(ended - killedAt < 1000, `its error took ${Math.round(ended - killedAt)} ms`);
  }
  assert(lost.length > 0 && lost.length <= CLIENTS, `${lost.length} calls were lost`);
  const later = calls.filter(({ begun }) => begun > killedAt + CLOSING_MS);
  assert(later.length > 100, `${later.length} calls followed`);

  // What was lost was not sent to the other one.
  const served = [...servedBy(first), ...servedBy(second)];
  assertEquals(served.length, new Set(served).size);
  assertEquals(lost.filter(({ id }) => servedBy(second).includes(id)), []);

  await eventually(10_000, async () => {
    const outcomes = await readOutcomes();
    for (const { id, said } of calls) {
      assertEquals(outcomes.get(id), said === "slow" ? "ok" : "executor_lost", id);
    }
  });

  // Back at its address, it has its servers again.
  executors[0] = await startExecutorProcess(rig, folder, key, Number(new URL(first.url).port));
  const again = await callDuring(() => pause(2000));
  assertEquals(again.filter(({ said }) => said !== "slow"), []);
  assert(servedBy(executors[0]).length > 5);
});

/** Of each call's event, by the request's id. */
async function readOutcomes(): Promise<Map<string, string | null>> {
  const sql = postgres(rig.database.url("postgres", "governance-hub"), { max: 1 });
  const rows = await sql<{ request_id: string; outcome: string | null }[]>`
    select request_id, outcome from public.mcp_server_events where action = 'call'`;
  await sql.end();
  return new Map(rows.map(({ request_id, outcome }) => [request_id, outcome]));
}

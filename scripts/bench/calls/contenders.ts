/** The measured ways to call a tool. Each checks the answer: the time of a wrong one means nothing. */

import * as z from "zod/mini";
import { Client } from "@modelcontextprotocol/client";
import { type DecidedServer, signDecision } from "shared/decision/decision.ts";
import { importSigningKey } from "shared/decision/decision_keys.ts";
import { ChildTransport } from "key-vault-executor/executor/processes/child_transport.ts";
import { findCommands } from "key-vault-executor/executor/launch/program.ts";
import { CliError } from "../../cli/error.ts";
import { messageOf } from "../../soak/executor/callers.ts";
import type { SeededTenant } from "../../stack/data/keys.ts";
import type { CallStack } from "./call_stack.ts";
import type { MeasuredServer } from "./programs.ts";

export interface Contender {
  name: string;
  call(): Promise<unknown>;
}

export interface DirectServer extends AsyncDisposable {
  pid: number | undefined;
  call(): Promise<void>;
}

const result = z.object({ content: z.array(z.object({ text: z.string() })) });
const answer = z.object({ result });
const encoder = new TextEncoder();

const MODERN = "2026-07-28";
const ENVELOPE = {
  "io.modelcontextprotocol/protocolVersion": MODERN,
  "io.modelcontextprotocol/clientInfo": { name: "bench", version: "1" },
  "io.modelcontextprotocol/clientCapabilities": {},
};

export type Revision = typeof MODERN | "2025-11-25";

/** A call of a tool, what it must answer, and the headers that go with it. */
interface MeasuredCall {
  body: string;
  text: string;
  headers: Record<string, string>;
}

/** The server as a child of this process, called with the SDK's client. */
export async function startDirectly({ path: script }: MeasuredServer): Promise<DirectServer> {
  const path = Deno.env.get("PATH") ?? "";
  const command = (await findCommands(["node"], path)).get("node");
  if (command === undefined) throw new CliError("node is not installed, with which the measured server runs");
  const transport = new ChildTransport({ command, args: [script], environment: { PATH: path } });
  const client = new Client({ name: "bench", version: "1" }, { versionNegotiation: { mode: "auto" } });
  await client.connect(transport);
  return {
    pid: transport.pid,
    async call() {
      const text = crypto.randomUUID();
      check(await client.callTool({ name: "echo", arguments: { message: text } }), text);
    },
    async [Symbol.asyncDispose]() {
      await client.close();
      await transport.close();
    },
  };
}

/** A server that no hub has to know: the decision is signed here, as the hub signs it. */
export function decided({ args }: MeasuredServer, id: string): DecidedServer {
  return { id: crypto.randomUUID(), server_id: id, version: 1, command: "node", args, tool_prefix: `${id}.` };
}

/** The Executor's endpoint. The time includes the signature, which is the hub's work. */
export function throughExecutor(
  { file, organizationId, tenant }: CallStack,
  revision: Revision = MODERN,
): (server: DecidedServer) => Promise<void> {
  const key = importSigningKey(file.decision_signing_key);
  if (key === undefined || file.executor === null) throw new CliError("the stack has no Executor");
  const url = `${file.executor.url}/mcp`;
  const actor = { kind: "agent", id: crypto.randomUUID() } as const;
  return async (server) => {
    const tool = `${server.tool_prefix}echo`;
    const { text, body, headers } = newCall(tool, revision);
    const subject = { jti: crypto.randomUUID(), tenant_id: tenant.id, organization_id: organizationId, actor };
    const token = signDecision({ ...subject, server, method: "tools/call", tool }, encoder.encode(body), key);
    check(answer.parse(await post(url, { authorization: `Bearer ${token}`, ...headers }, body)).result, text);
  };
}

/** What the measuring client itself costs over HTTP: an endpoint of the same Executor that does nothing. */
export async function askHealth({ file }: CallStack): Promise<void> {
  const response = await fetch(`${file.executor?.url}/health`);
  await response.text();
}

/** The agent's way: the gateway authorizes and records the call. */
export async function callThroughGateway(
  { file }: CallStack,
  tenant: SeededTenant,
  tool: string,
  revision: Revision = MODERN,
): Promise<void> {
  const { text, body, headers } = newCall(tool, revision);
  check(answer.parse(await post(file.gateway.url, { "x-api-key": tenant.api_key, ...headers }, body)).result, text);
}

export async function authorize({ file }: CallStack, tenant: SeededTenant, tool: string): Promise<void> {
  const url = `${file.governance_hub.url}/functions/v1/authorize`;
  await post(url, { "x-api-key": tenant.api_key }, JSON.stringify({ tool }));
}

/** The JSON of a success: the body, or the last message of an event stream. @throws {CliError} */
export async function post(url: string, headers: Record<string, string>, body: string): Promise<unknown> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", "accept": "application/json, text/event-stream", ...headers },
    body,
  });
  const text = await response.text();
  if (!response.ok) throw new CliError(`${new URL(url).pathname} answered ${response.status}: ${text}`);
  return messageOf(text);
}

function newCall(name: string, revision: Revision): MeasuredCall {
  const text = crypto.randomUUID();
  const isModern = revision === MODERN;
  const params = { name, arguments: { message: text }, ...(isModern && { _meta: ENVELOPE }) };
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params });
  const modern = { "mcp-method": "tools/call", "mcp-name": name };
  return { body, text, headers: { "mcp-protocol-version": revision, ...(isModern && modern) } };
}

function check(told: unknown, text: string): void {
  const parsed = result.safeParse(told);
  if (parsed.data?.content[0]?.text !== `Echo: ${text}`) throw new CliError(`a call answered ${JSON.stringify(told)}`);
}

/** The gateway in a process of its own, on the tested stack's database, with Executors in this process. */

import {
  type ExecutorOptions,
  startExecutor,
  type TestExecutor,
} from "key-vault-executor/executor/testing/executor.ts";
import { makeHub } from "key-vault-executor/executor/testing/make.ts";
import { stack } from "./client.ts";
import { serveFunction } from "./serve_function.ts";

export interface TestGateway extends AsyncDisposable {
  url: string;
  executors: TestExecutor[];
  /** The lines of its log so far. */
  log(): Record<string, unknown>[];
}

export interface GatewayOptions {
  /** How many. */
  executors?: number;
  executor?: ExecutorOptions;
  environment?: Record<string, string>;
}

export async function startGateway(options: GatewayOptions = {}): Promise<TestGateway> {
  const hub = await makeHub();
  const executors: TestExecutor[] = [];
  for (let count = options.executors ?? 1; count > 0; count--) {
    executors.push(await startExecutor({ ...options.executor, hub }));
  }
  const { url, secret_key } = stack.governance_hub;
  const served = await serveFunction("governance-hub", "mcp", {
    SUPABASE_URL: url,
    SUPABASE_SECRET_KEYS: JSON.stringify({ default: secret_key }),
    KERNEL_HMAC_SECRET: stack.kernel_hmac_secret,
    ...(executors.length > 0 && {
      DECISION_SIGNING_KEY: hub.signingKeyText,
      EXECUTOR_URLS: executors.map(({ url }) => url).join(","),
    }),
    ...options.environment,
  });
  return {
    url: served.url,
    executors,
    log: () => served.output().split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line)),
    async [Symbol.asyncDispose]() {
      await served.stop();
      for (const executor of executors) await executor[Symbol.asyncDispose]();
    },
  };
}

export interface McpSend {
  key?: string | undefined;
  tenantId?: string;
  headers?: Record<string, string>;
  method?: string;
  signal?: AbortSignal;
}

export interface McpReply {
  status: number;
  headers: Headers;
  text: string;
  /** The last message of the answer. */
  // deno-lint-ignore no-explicit-any -- tests compare answers of any form
  body: any;
}

/** Sends a body unchanged, with a key. */
export async function sendMcp(
  gateway: Pick<TestGateway, "url">,
  body: string | undefined,
  send: McpSend,
): Promise<McpReply> {
  const { key, tenantId, headers = {}, method = "POST", signal } = send;
  const query = tenantId === undefined ? "" : `?tenant_id=${tenantId}`;
  const response = await fetch(`${gateway.url}/mcp${query}`, {
    method,
    headers: {
      ...(key?.startsWith("mcp_") && { "x-api-key": key }),
      ...(key?.startsWith("krn_") && { authorization: `Bearer ${key}` }),
      ...(body !== undefined && { "content-type": "application/json" }),
      ...headers,
    },
    ...(body !== undefined && { body }),
    ...(signal && { signal }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: lastMessage(text) };
}

/** A request of revision 2026-07-28, with the headers that go with it. */
export function sendModern(
  gateway: Pick<TestGateway, "url">,
  method: string,
  params: Record<string, unknown>,
  send: McpSend,
): Promise<McpReply> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params: { ...params, _meta: ENVELOPE } });
  const name = params.name ?? params.uri;
  const named = typeof name === "string" ? { "mcp-name": name } : {};
  const headers = { "mcp-protocol-version": "2026-07-28", "mcp-method": method, ...named, ...send.headers };
  return sendMcp(gateway, body, { ...send, headers });
}

/** A request of an older revision. */
export function sendLegacy(
  gateway: Pick<TestGateway, "url">,
  method: string,
  params: Record<string, unknown>,
  send: McpSend,
): Promise<McpReply> {
  return sendMcp(gateway, JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }), send);
}

export const ENVELOPE = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientInfo": { name: "test", version: "1" },
  "io.modelcontextprotocol/clientCapabilities": {},
};

function lastMessage(text: string): unknown {
  const data = text.split("\n").filter((line) => line.startsWith("data: ")).at(-1)?.slice("data: ".length) ?? text;
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
}

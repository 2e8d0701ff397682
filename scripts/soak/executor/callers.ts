/** Clients that call random servers of random tenants, and check that each answer is their tenant's. */

import * as z from "zod/mini";
import { type Fleet, type FleetServer, TOOL } from "./fleet.ts";

/** What a call came to: an answer, the code of an error that a killed server explains, or what must not happen. */
export interface CallSample {
  at: number;
  ms: number;
  outcome: string;
}

/** Of servers that were killed: told to the caller at once, and never tried again. */
const EXPECTED = new Set(["server_ended", "backing_off", "start_failed", "busy"]);

const answer = z.object({
  result: z.object({
    content: z.array(z.object({ text: z.string() })),
    isError: z.optional(z.boolean()),
    _meta: z.optional(z.object({ "key-vault-executor/error": z.optional(z.string()) })),
  }),
});
const told = z.object({ id: z.string(), digest: z.string(), nonce: z.string() });

export interface Callers {
  calls: CallSample[];
  stop(): Promise<void>;
}

export function startCallers(fleet: Fleet, url: string, clients: number): Callers {
  const calls: CallSample[] = [];
  let isOver = false;
  const ended = Promise.all(Array.from({ length: clients }, async () => {
    while (!isOver) {
      const target = fleet.servers[Math.floor(Math.random() * fleet.servers.length)];
      if (target === undefined) return;
      const begun = performance.now();
      const outcome = await callOnce(fleet, url, target).catch((error) => `failed: ${error.message}`);
      calls.push({ at: performance.now(), ms: performance.now() - begun, outcome });
      // A server that is tried again later is no reason to ask at full speed.
      if (outcome !== "ok") await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }));
  return {
    calls,
    async stop() {
      isOver = true;
      await ended;
    },
  };
}

export function isExpected({ outcome }: CallSample): boolean {
  return outcome === "ok" || EXPECTED.has(outcome);
}

async function callOnce(fleet: Fleet, url: string, target: FleetServer): Promise<string> {
  const nonce = crypto.randomUUID();
  const params = { name: target.server.tool_prefix + TOOL, arguments: { nonce } };
  const body = new TextEncoder().encode(JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params }));
  const response = await fetch(`${url}/mcp`, {
    method: "POST",
    headers: { "authorization": `Bearer ${fleet.sign(target, body)}`, "content-type": "application/json" },
    body,
  });
  const text = await response.text();
  const parsed = response.ok ? answer.safeParse(messageOf(text)) : undefined;
  if (parsed?.success !== true) return `answered ${response.status}`;
  const { content, isError, _meta } = parsed.data.result;
  if (isError === true) return _meta?.["key-vault-executor/error"] ?? "an error without a code";
  return check(told.parse(JSON.parse(content[0]?.text ?? "{}")), target, nonce);
}

function check({ id, digest, nonce }: z.output<typeof told>, target: FleetServer, expected: string): string {
  if (digest !== target.digest) return "WRONG TENANT'S SECRET";
  if (id !== target.server.args[1]) return "WRONG SERVER";
  return nonce === expected ? "ok" : "ANOTHER CALL'S ANSWER";
}

/** The last message of an event stream, or the body itself. */
export function messageOf(text: string): unknown {
  const data = text.split("\n").filter((line) => line.startsWith("data: ")).at(-1)?.slice(6);
  return JSON.parse(data ?? text);
}

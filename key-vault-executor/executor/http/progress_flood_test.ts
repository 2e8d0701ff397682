/** A server that floods a caller with progress, while the caller reads nothing or little. */

import { assert } from "@std/assert";
import { serverOf } from "../testing/make.ts";
import { startExecutor, type TestExecutor } from "../testing/executor.ts";

const SERVER = serverOf({ command: "node", args: ["misbehave.mjs"], tool_prefix: "amazon." });
const TOOL = "amazon.progressFlood";
/** Of each of two calls: 400 MB in all. */
const FLOOD = { count: 50_000, length: 4096 };
const [MB, MAX_GROWTH_MB, MAX_ANSWER_MB] = [2 ** 20, 100, 8];
const PAUSE_MS = 100;

const pause = () => new Promise((resolve) => setTimeout(resolve, PAUSE_MS));

function usedMb(): number {
  const { heapUsed, external } = Deno.memoryUsage();
  return (heapUsed + external) / MB;
}

/** A connection that has sent its request and read nothing. */
async function ask({ url, hub }: TestExecutor): Promise<Deno.TcpConn> {
  const _meta = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    progressToken: 1,
  };
  const params = { name: TOOL, arguments: FLOOD, _meta };
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params });
  const token = hub.sign({ server: SERVER, method: "tools/call", tool: TOOL }, body);
  const { hostname, port } = new URL(url);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const lines = [
    "POST /mcp HTTP/1.1",
    `host: ${hostname}`,
    "connection: close",
    "content-type: application/json",
    "mcp-protocol-version: 2026-07-28",
    "mcp-method: tools/call",
    `mcp-name: ${TOOL}`,
    `authorization: Bearer ${token}`,
    `content-length: ${body.length}`,
  ];
  const writer = connection.writable.getWriter();
  await writer.write(new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n${body}`));
  writer.releaseLock();
  return connection;
}

/** Reads to the end, with a pause after each chunk while the server works. */
async function read(connection: Deno.TcpConn, isWorking: () => boolean): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of connection.readable) {
    text += decoder.decode(chunk, { stream: true });
    if (isWorking()) await pause();
  }
  return text;
}

Deno.test("a flood of progress to callers that read nothing, or slowly, takes no memory", async () => {
  await using executor = await startExecutor();
  using silent = await ask(executor);
  using slow = await ask(executor);
  const isWorking = () => executor.supervisor.slots("11111111-1111-4111-8111-111111111111")[0]?.inFlight !== 0;
  const slowText = read(slow, isWorking);
  // Its end, if the test fails first, is no failure of its own.
  slowText.catch(() => {});
  const samples = [usedMb()];
  for (; isWorking(); await pause()) samples.push(usedMb());
  // The least of the second half: what is more has not been collected yet.
  const growth = Math.min(...samples.slice(samples.length / 2)) - Math.min(...samples);
  assert(growth < MAX_GROWTH_MB, `the memory grew by ${growth.toFixed(0)} MB`);
  for (const text of [await slowText, await read(silent, isWorking)]) {
    assert(text.includes('"text":"flooded"'), text.slice(-500));
    assert(text.length < MAX_ANSWER_MB * MB, `the answer has ${text.length} characters`);
    assert(text.includes("notifications/progress"), text);
  }
});

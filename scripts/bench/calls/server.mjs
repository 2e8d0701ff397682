// A server that answers at once, so that what a call costs besides is measured.
import { createInterface } from "node:readline";

const echo = { name: "echo", inputSchema: { type: "object", properties: { message: { type: "string" } } } };

function resultOf(method, params = {}) {
  if (method === "initialize") {
    const { protocolVersion } = params;
    return { protocolVersion, capabilities: { tools: {} }, serverInfo: { name: "echo", version: "1" } };
  }
  if (method === "tools/list") return { tools: [echo] };
  if (method === "tools/call") return { content: [{ type: "text", text: `Echo: ${params.arguments?.message}` }] };
  return {};
}

createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) return;
  const isKnown = method !== "server/discover";
  const answer = isKnown
    ? { result: resultOf(method, params) }
    : { error: { code: -32601, message: "no such method" } };
  process.stdout.write(JSON.stringify({ jsonrpc: "2.0", id, ...answer }) + "\n");
}).on("close", () => process.exit(0));

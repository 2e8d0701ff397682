// A server that says for whom it runs: the digest of its secret, which is not the secret. It leaves a process of its own.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createInterface } from "node:readline";

const [id, mark] = process.argv.slice(2);
const digest = createHash("sha256").update(process.env.SOAK_API_KEY ?? "").digest("hex");
spawn("sleep", [`900.${mark}`], { detached: true, stdio: "ignore" }).unref();

const send = (message) => process.stdout.write(JSON.stringify({ jsonrpc: "2.0", ...message }) + "\n");

function resultOf(method, params = {}) {
  if (method === "initialize") {
    const { protocolVersion } = params;
    return { protocolVersion, capabilities: { tools: {} }, serverInfo: { name: "soak", version: "1" } };
  }
  if (method !== "tools/call") return {};
  return { content: [{ type: "text", text: JSON.stringify({ id, digest, nonce: params.arguments?.nonce }) }] };
}

createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) return;
  // Of the revisions of 2025: an unknown method is an error.
  if (method === "server/discover") return send({ id, error: { code: -32601, message: "no such method" } });
  send({ id, result: resultOf(method, params) });
}).on("close", () => process.exit(0));

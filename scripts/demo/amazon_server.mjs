// deno-lint-ignore-file no-console -- a program: it speaks over its standard output
// The MCP server that the demo registers, over stdio. It has its key from its environment, and logs it, as careless servers do.
import { createInterface } from "node:readline";

const [address] = process.argv.slice(2);
const key = process.env.AMAZON_API_KEY ?? "";

const tools = {
  order: {
    description: "Orders a product",
    inputSchema: { type: "object", properties: { product: { type: "string" } }, required: ["product"] },
    async call({ product }) {
      console.error(`ordering with ${key}`);
      const headers = { "authorization": `Bearer ${key}`, "content-type": "application/json" };
      const response = await fetch(`${address}/orders`, { method: "POST", headers, body: JSON.stringify({ product }) });
      const { message } = await response.json();
      return { content: [{ type: "text", text: message }], isError: !response.ok };
    },
  },
  crash: {
    description: "Ends the server, as a fault in it would",
    inputSchema: { type: "object" },
    call: () => process.exit(1),
  },
};

const methods = {
  initialize: ({ protocolVersion }) => ({
    protocolVersion,
    capabilities: { tools: {} },
    serverInfo: { name: "amazon", version: "1.0.0" },
  }),
  "ping": () => ({}),
  "tools/list": () => ({
    tools: Object.entries(tools).map(([name, { description, inputSchema }]) => ({ name, description, inputSchema })),
  }),
  "tools/call": ({ name, arguments: args }) => tools[name].call(args),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) continue;
  const answer = method in methods
    ? { result: await methods[method](params) }
    : { error: { code: -32601, message: `there is no method ${method}` } };
  console.log(JSON.stringify({ jsonrpc: "2.0", id, ...answer }));
}

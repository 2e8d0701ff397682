/** A program of its own, with a package that the project does not use: a client of the SDK's first major version. Prints one line of JSON: what it was answered. */

import { Client } from "npm:@modelcontextprotocol/sdk@1.32.2/client/index.js";
import { StreamableHTTPClientTransport } from "npm:@modelcontextprotocol/sdk@1.32.2/client/streamableHttp.js";

const [url = "", key = ""] = Deno.args;
const client = new Client({ name: "sdk-v1", version: "1" });
const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: { "x-api-key": key } } });
await client.connect(transport);
const { tools } = await client.listTools();
let progress = 0;
const long = { name: "everything.trigger-long-running-operation", arguments: { duration: 0.2, steps: 4 } };
await client.callTool(long, undefined, { onprogress: () => progress++ });
const call = (name: string, args: Record<string, unknown>) =>
  client.callTool({ name, arguments: args }).catch(({ code, message }) => ({ code, message }));
console.log(JSON.stringify({
  version: transport.protocolVersion,
  tools: tools.map(({ name }) => name),
  progress,
  echo: await call("everything.echo", { message: "hello" }),
  structured: await call("everything.get-structured-content", { location: "Chicago" }),
  invalid: await call("everything.echo", {}),
  unknown: await call("nothing.at-all", {}),
  own: await call("hub.list_servers", {}),
  prompts: (await client.listPrompts()).prompts.map(({ name }) => name),
  prompt: await client.getPrompt({ name: "everything.args-prompt", arguments: { city: "Paris" } }),
  resources: (await client.listResources()).resources.map(({ uri }) => uri),
  resource: await client.readResource({ uri: "everything.demo://resource/static/document/architecture.md" }),
}));
await client.close();

// deno-lint-ignore-file no-console -- a program for a terminal
/** `deno task start`: serves both projects on this machine until it is stopped. */

import { newProgram, readPort, runProgram } from "../cli/program.ts";
import { CliError, printError } from "../cli/error.ts";
import { OVERRIDABLE } from "./environments.ts";
import { type Stack, type StackOptions, startStack } from "./stack.ts";
import type { StackFile } from "./data/stack_file.ts";

/** How many names of variables a line of the help has. */
const NAMES_IN_LINE = 4;

const HELP = `
While the stack runs, FOLDER/stack.json has its addresses and keys. These variables override the stack's own:
${linesOf(OVERRIDABLE).join(",\n")}.`;

interface StartArguments {
  postgres?: boolean;
  dataApi?: boolean;
  hubPort: number;
  vaultPort: number;
  executor: boolean;
  executorPort: number;
  sandbox: boolean;
  dataDir: string;
  fresh?: boolean;
}

if (import.meta.main) {
  const asked = new Promise<undefined>((resolve) => {
    Deno.addSignalListener("SIGINT", () => resolve(undefined));
    Deno.addSignalListener("SIGTERM", () => resolve(undefined));
  });
  await runProgram(
    newProgram("start", "Serves governance-hub, key-vault-executor and its Executor on this machine, until Ctrl-C.")
      .option("--postgres", "use native PostgreSQL 17 instead of PGlite")
      .option("--data-api", "let the functions call the data API instead of the database")
      .option("--hub-port <port>", "port of governance-hub", readPort, 54321)
      .option("--vault-port <port>", "port of key-vault-executor", readPort, 55321)
      .option("--executor-port <port>", "port of the Executor", readPort, 56321)
      .option("--no-executor", "leave the Executor out: the gateway then has no tools but the hub's own")
      .option("--no-sandbox", "run registered servers without bubblewrap")
      .option("--data-dir <folder>", "the folder for data, keys, packages, servers and stack.json", ".local")
      .option("--fresh", "delete the chosen engine's data and keys first")
      .addHelpText("after", HELP)
      .action(async (options: StartArguments) => Deno.exit(await serve(readOptions(options), asked))),
  );
}

async function serve(options: StackOptions, asked: Promise<undefined>): Promise<number> {
  const begun = performance.now();
  const stack = await Promise.race([asked, startStack(options)]);
  // Processes that have started end when this process does.
  if (stack === undefined) return 0;
  console.log(welcome(stack, (performance.now() - begun) / 1000));
  const broken = await Promise.race([asked, stack.broken]);
  if (broken !== undefined) printError(new CliError(`${broken} has stopped; stopping the rest`));
  await stack.stop();
  return broken === undefined ? 0 : 1;
}

function readOptions(
  { postgres, fresh = false, dataApi = false, executor, executorPort, sandbox, ...options }: StartArguments,
): StackOptions {
  const environment = Object.fromEntries(
    OVERRIDABLE.flatMap((name) => {
      const value = Deno.env.get(name);
      // The functions also treat an empty variable as not set.
      return value ? [[name, value]] : [];
    }),
  );
  const engine = postgres ? "postgres" : "pglite";
  return {
    engine,
    ...options,
    executor: executor ? { port: executorPort, sandbox } : undefined,
    fresh,
    dataApi,
    environment,
    onProgress: (step) => console.error(`${step} …`),
  };
}

function welcome({ file, path, sandboxFault }: Stack, seconds: number): string {
  const { governance_hub: hub, key_vault_executor: vault, gateway, executor, organizations } = file;
  const [tenant] = organizations[0]?.tenants ?? [];
  const headers = `-H "X-API-Key: ${tenant?.api_key}" -H "Content-Type: application/json"`;
  return `
governance-hub       ${hub.url}
key-vault-executor   ${vault.url}
MCP gateway          ${gateway.url}
Executor             ${executor ? `${executor.url}; scripts for servers in ${executor.servers}` : "none"}
addresses and keys   ${path}
${
    sandboxFault === undefined
      ? ""
      : `\nServers run WITHOUT a sandbox on this machine (${sandboxFault}): register only what you trust.\n`
  }
Register a server, store its credential and call a tool, as an agent of ${tenant?.name}:

curl -X POST ${hub.url}/functions/v1/mcp-servers/register \\
  ${headers} \\
  -d '{"server_id": "everything", "name": "Everything", "command": "npx", "tool_prefix": "everything.",
       "args": ["-y", "@modelcontextprotocol/server-everything"]}'

curl -X POST ${vault.url}/functions/v1/credentials/store \\
  ${headers} \\
  -d '{"service": "everything", "credentials": {"api_key": "a-made-up-key-4711"}}'

curl -X POST ${gateway.url} \\
  ${headers} \\
  -d '{"jsonrpc": "2.0", "id": 1, "method": "tools/call",
       "params": {"name": "everything.get-env"}}'

For an MCP client's configuration:

${clientConfiguration(file)}

Ready in ${seconds.toFixed(1)} s. Requests are logged below; Ctrl-C stops everything.`;
}

/** In the form that MCP clients share. */
function clientConfiguration({ gateway, organizations }: StackFile): string {
  const [tenant] = organizations[0]?.tenants ?? [];
  const server = { type: "http", url: gateway.url, headers: { "X-API-Key": tenant?.api_key } };
  return JSON.stringify({ mcpServers: { [tenant?.name ?? ""]: server } }, null, 2);
}

function linesOf(names: readonly string[]): string[] {
  if (names.length <= NAMES_IN_LINE) return [names.join(", ")];
  return [names.slice(0, NAMES_IN_LINE).join(", "), ...linesOf(names.slice(NAMES_IN_LINE))];
}

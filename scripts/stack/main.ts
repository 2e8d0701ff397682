// deno-lint-ignore-file no-console -- a program for a terminal
/** `deno task start`: serves both projects on this machine until it is stopped. */

import { newProgram, readPort, runProgram } from "../cli/program.ts";
import { CliError, printError } from "../cli/error.ts";
import { OVERRIDABLE, type Stack, type StackOptions, startStack } from "./stack.ts";

const HELP = `
While the stack runs, FOLDER/stack.json has its addresses and keys. These variables override the stack's own:
${OVERRIDABLE.slice(0, 5).join(", ")},
${OVERRIDABLE.slice(5, 8).join(", ")},
${OVERRIDABLE.slice(8).join(", ")}.`;

interface Options {
  postgres?: boolean;
  dataApi?: boolean;
  hubPort: number;
  vaultPort: number;
  dataDir: string;
  fresh?: boolean;
}

if (import.meta.main) {
  const asked = new Promise<undefined>((resolve) => {
    Deno.addSignalListener("SIGINT", () => resolve(undefined));
    Deno.addSignalListener("SIGTERM", () => resolve(undefined));
  });
  await runProgram(
    newProgram("start", "Serves governance-hub and key-vault-executor on this machine, until Ctrl-C.")
      .option("--postgres", "use native PostgreSQL 17 instead of PGlite")
      .option("--data-api", "let the functions call the data API instead of the database")
      .option("--hub-port <port>", "port of governance-hub", readPort, 54321)
      .option("--vault-port <port>", "port of key-vault-executor", readPort, 55321)
      .option("--data-dir <folder>", "the folder for data, keys and stack.json", ".local")
      .option("--fresh", "delete the chosen engine's data and keys first")
      .addHelpText("after", HELP)
      .action(async (options: Options) => Deno.exit(await serve(readOptions(options), asked))),
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

function readOptions({ postgres, fresh = false, dataApi = false, ...options }: Options): StackOptions {
  const environment = Object.fromEntries(
    OVERRIDABLE.flatMap((name) => {
      const value = Deno.env.get(name);
      // The functions also treat an empty variable as not set.
      return value ? [[name, value]] : [];
    }),
  );
  const engine = postgres ? "postgres" : "pglite";
  return { engine, ...options, fresh, dataApi, environment, onProgress: (step) => console.error(`${step} …`) };
}

function welcome({ file, path }: Stack, seconds: number): string {
  const { governance_hub: hub, key_vault_executor: vault, organizations } = file;
  const [tenant] = organizations[0]?.tenants ?? [];
  return `
governance-hub       ${hub.url}
key-vault-executor   ${vault.url}
addresses and keys   ${path}

Register a server and store a credential, as an agent of ${tenant?.name}:

curl -X POST ${hub.url}/functions/v1/mcp-servers/register \\
  -H "X-API-Key: ${tenant?.api_key}" \\
  -H "Content-Type: application/json" \\
  -d '{"server_id": "test-server", "name": "Test Server", "command": "node", "args": ["test.js"], "tool_prefix": "test."}'

curl -X GET "${hub.url}/functions/v1/mcp-servers/list" \\
  -H "X-API-Key: ${tenant?.api_key}"

curl -X POST ${vault.url}/functions/v1/credentials/store \\
  -H "X-API-Key: ${tenant?.api_key}" \\
  -H "Content-Type: application/json" \\
  -d '{"service": "amazon", "credentials": {"api_key": "test_key", "secret_key": "test_secret"}}'

curl -X GET "${vault.url}/functions/v1/credentials/list" \\
  -H "X-API-Key: ${tenant?.api_key}"

Ready in ${seconds.toFixed(1)} s. Requests are logged below; Ctrl-C stops everything.`;
}

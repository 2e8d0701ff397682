// deno-lint-ignore-file no-console -- a program for a terminal
/** `deno task start`: serves both projects on this machine until it is stopped. */

import { parseArgs } from "node:util";
import { StackError, tell } from "./stack/child.ts";
import { OVERRIDABLE, type Stack, type StackOptions, startStack } from "./stack/stack.ts";

const HELP = `Serves governance-hub and key-vault-executor on this machine, until Ctrl-C.

Usage: deno task start [options]

  --postgres          native PostgreSQL 17 instead of PGlite
  --hub-port PORT     port of governance-hub (default 54321)
  --vault-port PORT   port of key-vault-executor (default 55321)
  --data-dir FOLDER   where data, keys and stack.json are kept (default .local)
  --fresh             begin anew: delete the chosen engine's data and keys first
  --help              this text

The addresses and keys are in FOLDER/stack.json while it runs. These variables, where they are set,
win over the stack's own: ${OVERRIDABLE.slice(0, 3).join(", ")},
${OVERRIDABLE.slice(3).join(", ")}.
`;

if (import.meta.main) {
  const asked = new Promise<undefined>((resolve) => {
    Deno.addSignalListener("SIGINT", () => resolve(undefined));
    Deno.addSignalListener("SIGTERM", () => resolve(undefined));
  });
  Deno.exit(await main(asked));
}

async function main(asked: Promise<undefined>): Promise<number> {
  let stack: Stack | undefined;
  try {
    const options = readOptions(Deno.args);
    if (options === undefined) {
      console.log(HELP);
      return 0;
    }
    const begun = performance.now();
    stack = await Promise.race([asked, startStack(options)]);
    // What has started so far ends by itself when this process does.
    if (stack === undefined) return 0;
    console.log(welcome(stack, (performance.now() - begun) / 1000));
  } catch (error) {
    tell(error);
    return 1;
  }
  const broken = await Promise.race([asked, stack.broken]);
  if (broken !== undefined) tell(new StackError(`${broken} has stopped; stopping the rest`));
  await stack.stop();
  return broken === undefined ? 0 : 1;
}

function readOptions(args: string[]): StackOptions | undefined {
  const values = parse(args);
  if (values.help) return undefined;
  const environment = Object.fromEntries(
    OVERRIDABLE.flatMap((name) => {
      const value = Deno.env.get(name);
      // Set to nothing is not set, as it is for the functions.
      return value ? [[name, value]] : [];
    }),
  );
  return {
    engine: values.postgres ? "postgres" : "pglite",
    dataDir: values["data-dir"],
    hubPort: readPort("--hub-port", values["hub-port"]),
    vaultPort: readPort("--vault-port", values["vault-port"]),
    fresh: values.fresh,
    environment,
    onProgress: (step) => console.error(`${step} …`),
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        postgres: { type: "boolean", default: false },
        "hub-port": { type: "string", default: "54321" },
        "vault-port": { type: "string", default: "55321" },
        "data-dir": { type: "string", default: ".local" },
        fresh: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    }).values;
  } catch (error) {
    throw new StackError(`${error instanceof Error ? error.message : error} (see deno task start --help)`);
  }
}

function readPort(option: string, text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 1 && port <= 65535) return port;
  throw new StackError(`${option} must be a port, 1 to 65535`);
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

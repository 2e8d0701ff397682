// deno-lint-ignore-file no-console -- a program: its log is its standard output
/** `deno task executor`: runs the Executor until it is told to stop. */

import { newProgram, runProgram } from "../../scripts/cli/program.ts";
import { CliError } from "../../scripts/cli/error.ts";
import { Catalog } from "./processes/catalog.ts";
import { vaultCredentials } from "./launch/credentials.ts";
import { makeEndpoint } from "./http/endpoint.ts";
import { PackageStore } from "./launch/packages.ts";
import { makePrepare } from "./launch/prepare.ts";
import { findCommands } from "./launch/program.ts";
import { Replays } from "./http/replays.ts";
import { DEFAULT_LIMITS, findSandboxFault, NOBODY, type SandboxOptions } from "./launch/sandbox.ts";
import { readSettings, type Settings, SettingsError, VARIABLES } from "./settings.ts";
import { Supervisor } from "./processes/supervisor.ts";

const DESCRIPTION =
  "Runs the Executor: registered MCP servers, called with a decision of the hub. Ends with SIGTERM or Ctrl-C.";

const HELP = `
Variables:
${VARIABLES.map(helpOf).join("\n")}`;

/** In milliseconds, as a server has them for one call, and calls in flight when the Executor stops. */
const TIME_LIMITS = { callMs: 60_000, totalMs: 600_000 };
const STOP_MS = 10_000;

const WARNING = "servers run WITHOUT a sandbox: each can read what the Executor can, other servers' credentials too";

if (import.meta.main) {
  await runProgram(
    newProgram("executor", DESCRIPTION)
      .option("--no-sandbox", "run servers without bubblewrap: they see this machine as the Executor's user does")
      .addHelpText("after", HELP)
      .action(execute),
  );
  Deno.exit(0);
}

async function execute({ sandbox }: { sandbox: boolean }): Promise<void> {
  try {
    const settings = await readSettings((name) => Deno.env.get(name));
    await run(settings, await setUpSandbox(settings, !sandbox));
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    for (const fault of error.faults) console.error(`error: ${fault}`);
    throw new CliError("");
  }
}

/** @throws {SettingsError} where servers cannot be sandboxed and nobody said that they need not be. */
async function setUpSandbox(
  { memoryBytes, network, packages, scripts }: Settings,
  isOff: boolean,
): Promise<SandboxOptions> {
  const found = await findCommands(["bwrap", "prlimit"], Deno.env.get("PATH") ?? "");
  const options: SandboxOptions = {
    bubblewrap: isOff ? undefined : found.get("bwrap"),
    prlimit: found.get("prlimit"),
    limits: { ...DEFAULT_LIMITS, memory: memoryBytes },
    network,
    // The limit of processes does not bind root, and files that root may read are not for servers.
    userId: Deno.uid() === 0 ? NOBODY : undefined,
  };
  if (isOff) return options;
  const folders = await Promise.all([packages, ...(scripts === undefined ? [] : [scripts])].map(realFolder));
  const fault = await findSandboxFault(options, folders);
  if (fault === undefined) return options;
  throw new SettingsError([`${fault}. Install or allow it, or give --no-sandbox to run servers without one`]);
}

/** @throws {SettingsError} */
async function realFolder(path: string): Promise<string> {
  try {
    await Deno.mkdir(path, { recursive: true });
    return await Deno.realPath(path);
  } catch (error) {
    throw new SettingsError([`the folder ${path} cannot be used: ${error instanceof Error ? error.message : error}`]);
  }
}

async function run(settings: Settings, sandbox: SandboxOptions): Promise<void> {
  const isSandboxed = sandbox.bubblewrap !== undefined;
  const commands = await findCommands(settings.commands, Deno.env.get("PATH") ?? "");
  const packages = new PackageStore(await realFolder(settings.packages), settings.installs);
  const prepare = makePrepare({
    programs: { commands, packages, scripts: settings.scripts },
    sandbox,
    credentials: vaultCredentials(settings.vault),
  });
  const supervisor = new Supervisor(async (caller, server) => {
    if (!isSandboxed) tell({ warning: WARNING, tenant_id: caller.tenantId, server_id: server.server_id });
    return await prepare(caller, server);
  }, { idleMs: settings.idleMs });
  const onListen = ({ hostname, port }: Deno.NetAddr) => {
    const names = [...commands.keys()].join(", ");
    tell({ listening: `http://${hostname}:${port}`, sandbox: isSandboxed ? "bubblewrap" : "none", commands: names });
    if (!isSandboxed) tell({ warning: WARNING });
  };
  await serveUntilStopped(settings, supervisor, onListen);
}

/** When it is told to stop: no new request, some time for those in flight, then the end of every process. */
async function serveUntilStopped(
  { hostname, port, verifyKeys }: Settings,
  supervisor: Supervisor,
  onListen: (address: Deno.NetAddr) => void,
): Promise<void> {
  let isStopping = false;
  const endpoint = makeEndpoint({
    supervisor,
    catalog: new Catalog(supervisor),
    limits: TIME_LIMITS,
    verifyKeys,
    replays: new Replays(),
    log: (line) => console.log(line),
    isReady: () => !isStopping,
  });
  const server = Deno.serve({ hostname, port, onListen }, endpoint);
  await toldToStop();
  isStopping = true;
  await Promise.race([server.shutdown(), new Promise((resolve) => setTimeout(resolve, STOP_MS))]);
  await supervisor.close();
}

function toldToStop(): Promise<void> {
  return new Promise((resolve) => {
    Deno.addSignalListener("SIGINT", () => resolve());
    Deno.addSignalListener("SIGTERM", () => resolve());
  });
}

function tell(entry: Record<string, unknown>): void {
  console.log(JSON.stringify({ time: new Date().toISOString(), ...entry }));
}

function helpOf({ name, meaning, fallback }: (typeof VARIABLES)[number]): string {
  const otherwise = fallback === undefined ? "required" : fallback === "" ? "empty if absent" : `${fallback} if absent`;
  return `  ${name.padEnd(23)} ${meaning} (${otherwise})`;
}

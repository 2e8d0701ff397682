/** An Executor that is ready to serve, without a listener. */

import { Catalog } from "./processes/catalog.ts";
import { vaultCredentials } from "./launch/credentials.ts";
import { makeEndpoint } from "./http/endpoint.ts";
import { packageStores } from "./launch/packages/stores.ts";
import { makePrepare } from "./launch/prepare.ts";
import { findCommands } from "./launch/program.ts";
import { Replays } from "./http/replays.ts";
import type { SandboxOptions } from "./launch/sandbox.ts";
import { realFolder } from "./launch/sandbox_setup.ts";
import type { Settings } from "./settings.ts";
import { Supervisor } from "./processes/supervisor.ts";

/** In milliseconds, as a server has them for one call. */
const TIME_LIMITS = { callMs: 60_000, totalMs: 600_000 };

export const WARNING =
  "servers run WITHOUT a sandbox: each can read what the Executor can, other servers' credentials too";

export interface Executor {
  endpoint: (request: Request) => Promise<Response>;
  /** The names of the commands that are allowed and installed. */
  commands: string[];
  /** Serves nothing new, waits for what `served` waits for, for so long at most, and then ends every process. */
  close(served: () => Promise<void>, graceMs: number): Promise<void>;
}

/** Takes a line of the log. */
export type Log = (line: string) => void;

/** A line of the log, with its time. */
export function lineOf(entry: Record<string, unknown>): string {
  return JSON.stringify({ time: new Date().toISOString(), ...entry });
}

/** @throws {SettingsError} if a folder cannot be used. */
export async function openExecutor(settings: Settings, sandbox: SandboxOptions, log: Log): Promise<Executor> {
  const commands = await findCommands(settings.commands, Deno.env.get("PATH") ?? "");
  const stores = packageStores(await realFolder(settings.packages), commands, settings.installs);
  const prepare = makePrepare({
    programs: { commands, ...stores, scripts: settings.scripts },
    sandbox,
    credentials: vaultCredentials(settings.vault),
  });
  const supervisor = new Supervisor(async (caller, server) => {
    const isSandboxed = sandbox.bubblewrap !== undefined;
    if (!isSandboxed) log(lineOf({ warning: WARNING, tenant_id: caller.tenantId, server_id: server.server_id }));
    return await prepare(caller, server);
  }, { idleMs: settings.idleMs });
  let isStopping = false;
  const endpoint = makeEndpoint({
    supervisor,
    catalog: new Catalog(supervisor),
    limits: TIME_LIMITS,
    verifyKeys: settings.verifyKeys,
    replays: Replays.sinceNow(),
    log,
    isReady: () => !isStopping,
  });
  return {
    endpoint,
    commands: [...commands.keys()],
    async close(served, graceMs) {
      isStopping = true;
      await Promise.race([served(), new Promise((resolve) => setTimeout(resolve, graceMs))]);
      await supervisor.close();
    },
  };
}

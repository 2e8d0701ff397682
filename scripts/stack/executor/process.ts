// deno-lint-ignore-file no-console -- a program: its log is its standard output
/** The process of the local stack's Executor. It runs servers in a sandbox if this machine has one. */

import { lineOf, openExecutor, WARNING } from "key-vault-executor/executor/executor.ts";
import { bestSandbox, readableWithoutSandbox } from "key-vault-executor/executor/launch/sandbox_setup.ts";
import { readSettings, SettingsError } from "key-vault-executor/executor/settings.ts";
import { CliError } from "../../cli/error.ts";
import { runChild } from "../child.ts";
import { listenOn } from "../listen.ts";

export interface ExecutorConfig {
  port: number;
  /** Part of the answer of `/ready`. It distinguishes this process from another server on the port. */
  readyToken: string;
  /** Whether to use this machine's sandbox. */
  sandbox: boolean;
}

/** In milliseconds: what calls in flight have when the stack stops. */
const STOP_MS = 200;

if (import.meta.main) await runChild(serve);

async function serve({ port, readyToken, sandbox }: ExecutorConfig): Promise<() => Promise<void>> {
  const settings = await readSettings((name) => Deno.env.get(name)).catch(tell);
  const { options, fault } = sandbox
    ? await bestSandbox(settings).catch(tell)
    : { options: await readableWithoutSandbox(settings), fault: "--no-sandbox" };
  const executor = await openExecutor(settings, options, (line) => console.log(line));
  const server = listenOn(port, (request) => {
    if (new URL(request.url).pathname !== "/ready") return executor.endpoint(request);
    return Response.json({ token: readyToken, sandbox_fault: fault ?? null });
  });
  const commands = executor.commands.join(", ");
  console.log(lineOf({ executor: "listening", commands, ...(fault !== undefined && { warning: WARNING }) }));
  return () => executor.close(() => server.shutdown(), STOP_MS);
}

/** Settings come from the user's environment: a sentence, and no stack trace. */
function tell(error: unknown): never {
  throw error instanceof SettingsError ? new CliError(error.message) : error;
}

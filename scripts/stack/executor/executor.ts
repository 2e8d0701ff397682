/** The local stack's Executor, which is started again whenever its process ends. */

import { backoffMs } from "key-vault-executor/executor/processes/backoff.ts";
import * as z from "zod/mini";
import { type Child, startChild } from "../child.ts";
import type { ExecutorConfig } from "./process.ts";
import { untilReady } from "../ready.ts";

export interface LocalExecutor {
  url: string;
  /** Why servers run without a sandbox. */
  sandboxFault: string | undefined;
  stop(graceMs: number): Promise<void>;
}

export interface LocalExecutorOptions {
  port: number;
  /** Whether to use this machine's sandbox. */
  sandbox: boolean;
  environment: Record<string, string>;
  logPath: string | undefined;
}

/** In milliseconds: between the end of the process and its next start. */
const [FIRST_PAUSE_MS, MAX_PAUSE_MS] = [500, 30_000];

/** In milliseconds: a process that ran for so long did not fail to start. */
const STABLE_MS = 60_000;

/** What the npm client, which installs packages, needs of the environment. */
const INSTALL_VARIABLES = /^(?:npm_config_.*|(?:https?|no)_proxy|SSL_CERT_FILE|NODE_EXTRA_CA_CERTS)$/i;

const ready = z.object({ token: z.string(), sandbox_fault: z.nullable(z.string()) });

/** Starts the Executor and waits until it answers. @throws {CliError} when it does not start. */
export async function startExecutor(options: LocalExecutorOptions): Promise<LocalExecutor> {
  const url = `http://127.0.0.1:${options.port}`;
  const token = crypto.randomUUID();
  const stopping = Promise.withResolvers<undefined>();
  let child = await spawn(options, token);
  const stop = async (graceMs: number) => {
    stopping.resolve(undefined);
    await child.stop(graceMs);
  };
  let sandboxFault: string | undefined;
  try {
    await untilReady(child, async () => {
      const answer = ready.parse(await (await fetch(`${url}/ready`)).json());
      if (answer.token !== token) throw new Error("another server answers at its address");
      sandboxFault = answer.sandbox_fault ?? undefined;
    });
  } catch (error) {
    await stop(0);
    throw error;
  }
  void keepRunning();
  return { url, sandboxFault, stop };

  async function keepRunning(): Promise<void> {
    for (let failures = 1;; failures++) {
      const begun = performance.now();
      const status = await Promise.race([stopping.promise, child.ended]);
      if (status === undefined) return;
      if (performance.now() - begun > STABLE_MS) failures = 1;
      const pauseMs = Math.round(backoffMs(failures, FIRST_PAUSE_MS, MAX_PAUSE_MS));
      const { code, signal } = status;
      await log(options, { executor: "ended", code, signal, starts_again_in_ms: pauseMs });
      if (!await elapses(pauseMs, stopping.promise)) return;
      child = await spawn(options, token);
    }
  }
}

function spawn({ port, sandbox, environment, logPath }: LocalExecutorOptions, readyToken: string): Promise<Child> {
  const config: ExecutorConfig = { port, readyToken, sandbox };
  const inherited = Object.entries(Deno.env.toObject()).filter(([name]) => INSTALL_VARIABLES.test(name));
  const script = new URL("process.ts", import.meta.url);
  return startChild("the Executor", script, config, { ...Object.fromEntries(inherited), ...environment }, logPath);
}

/** Whether the time passes before the promise settles. */
async function elapses(ms: number, sooner: Promise<undefined>): Promise<boolean> {
  const pause = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => pause.resolve(true), ms);
  try {
    return await Promise.race([pause.promise, sooner.then(() => false)]);
  } finally {
    clearTimeout(timer);
  }
}

/** To where the processes log, too. */
async function log({ logPath }: LocalExecutorOptions, entry: Record<string, unknown>): Promise<void> {
  const line = JSON.stringify({ time: new Date().toISOString(), ...entry });
  // deno-lint-ignore no-console -- the stack's log is standard output
  if (logPath === undefined) console.log(line);
  else await Deno.writeTextFile(logPath, `${line}\n`, { append: true });
}

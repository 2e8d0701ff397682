/** A process that runs jobs one at a time. It ends with the process that started it. */

import { fork } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { CliError } from "../../cli/error.ts";

export interface Worker<Job, Result> {
  ask(job: Job): Promise<Result>;
}

/** Discards the script's standard output. */
export function startWorker<Job, Result>(
  script: URL,
  environment: Record<string, string>,
  resources: AsyncDisposableStack,
): Worker<Job, Result> {
  const { PATH, HOME } = Deno.env.toObject();
  const child = fork(fileURLToPath(script), [], {
    env: { PATH, HOME, ...environment },
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const ended = once(child, "exit");
  resources.defer(async () => {
    if (child.connected) child.disconnect();
    await ended;
  });
  return {
    async ask(job) {
      child.send(Object(job));
      const answer = await Promise.race([once(child, "message"), ended.then(() => undefined)]);
      if (answer === undefined) throw new CliError(`${script.pathname} ended before it answered`);
      return answer[0];
    },
  };
}

/** Runs the parent's jobs, in the process that `startWorker` started. */
export function answerJobs<Job, Result>(work: (job: Job) => Promise<Result>): void {
  process.on("message", async (job: Job) => process.send?.(await work(job)));
}

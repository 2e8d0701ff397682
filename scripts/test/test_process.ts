// deno-lint-ignore-file no-console -- a program for a terminal
/** Runs `deno test` in separate processes, and counts the results. */

/** In minutes. A process that runs longer hangs. It is killed and counts as one failure. */
const LIMIT = 20;

export interface Count {
  passed: number;
  failed: number;
}

/** Whether to show a process's output at once, or when it ends. */
export type Output = "live" | "kept";

export interface TestOptions {
  environment?: Record<string, string>;
  filter?: string | undefined;
  output?: Output | undefined;
}

/** Adds up the counts of jobs. The output of those that run at the same time is kept until each ends. */
export async function runJobs(atOnce: number, jobs: ((output: Output) => Promise<Count>)[]): Promise<Count> {
  const total = { passed: 0, failed: 0 };
  const waiting = [...jobs];
  const work = async () => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
      const { passed, failed } = await job(atOnce > 1 ? "kept" : "live");
      total.passed += passed;
      total.failed += failed;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return total;
}

export async function denoTest(title: string, paths: string[], options: TestOptions = {}): Promise<Count> {
  const { environment = {}, filter, output = "live" } = options;
  const isKept = output === "kept";
  console.log(isKept ? `-- ${title} …` : `\n== ${title}`);
  const report = await Deno.makeTempFile({ suffix: ".xml" });
  const begun = performance.now();
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "test",
      "--allow-all",
      "--no-check",
      // As the Executor and the stack run.
      "--unstable-no-legacy-abort",
      `--junit-path=${report}`,
      ...(filter === undefined ? [] : [`--filter=${filter}`]),
      ...paths,
    ],
    env: environment,
    stdout: isKept ? "piped" : "inherit",
  }).spawn();
  const timer = setTimeout(() => {
    console.error(`${title}: still running after ${LIMIT} minutes, so it was stopped`);
    child.kill();
  }, LIMIT * 60_000);
  if (isKept) {
    const text = await new Response(child.stdout).text();
    console.log(`\n== ${title} (${((performance.now() - begun) / 1000).toFixed(0)} s)\n${text}`);
  }
  const { code } = await child.status;
  clearTimeout(timer);
  const { passed, failed } = countOf(await Deno.readTextFile(report));
  await Deno.remove(report);
  // A file that does not load reports no failed test.
  return { passed, failed: code !== 0 && failed === 0 ? 1 : failed };
}

/** The counts of a JUnit report. */
function countOf(xml: string): Count {
  const root = /<testsuites [^>]*>/.exec(xml)?.[0] ?? "";
  const read = (name: string) => Number(new RegExp(` ${name}="(\\d+)"`).exec(root)?.[1] ?? 0);
  const failed = read("failures") + read("errors");
  // This includes tests that a filter excluded.
  const skipped = xml.match(/<skipped\b/g)?.length ?? 0;
  return { passed: read("tests") - failed - skipped, failed };
}

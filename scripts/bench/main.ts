// deno-lint-ignore-file no-console -- a program for a terminal
/**
 * `deno task bench`: measures the speed, next to baselines of the same run. Figures go to standard output, progress to
 * standard error. The exit code does not depend on speed, because other load on the machine affects every figure.
 */

import { Option } from "commander";
import { measureBreakdown } from "./breakdown/breakdown.ts";
import { measureBundles } from "./bundles.ts";
import { measureExecutor } from "./calls/executor.ts";
import { measureMcp } from "./calls/mcp.ts";
import { measureGoals } from "./goals/goals.ts";
import { measureEndpoints } from "./endpoints/endpoints.ts";
import { measureSql } from "./sql/sql.ts";
import type { BenchPart, Report, Scale } from "./support/part.ts";
import { runWithResources } from "./support/program.ts";
import { verdictLines } from "./support/verdict.ts";
import { newProgram, runProgram } from "../cli/program.ts";

/** The parts that `--only` selects. To add a part, add a function here. */
const PARTS: Record<string, BenchPart> = {
  endpoints: measureEndpoints,
  sql: measureSql,
  bundles: measureBundles,
  executor: measureExecutor,
  mcp: measureMcp,
};

const program = newProgram(
  "bench",
  "Measures every endpoint, SQL function and bundle, and tool calls, on this machine, on native PostgreSQL 17.",
)
  .option("--json", "print one object: baselines, endpoints, sql, bundles, executor, mcp", false)
  .option("--short", "run three minutes with shorter rounds and a wider spread", false)
  .option("--large", "also measure the SQL functions at 1,000,000 rows", false)
  .addOption(new Option("--only <part>", "measure one part").choices(Object.keys(PARTS)))
  .option("--peers", "only compare both ways to the database, baselines, and the servers that --bao names", false)
  .option("--bao <path>", "with --peers: the program of an OpenBao server, started with a raft store and a file audit")
  .option("--breakdown", "only break down the time of a request, in microseconds", false)
  .action(() => runWithResources(bench));

if (import.meta.main) await runProgram(program);

async function bench(resources: AsyncDisposableStack): Promise<number> {
  const options = program.opts<
    Omit<Scale, "onProgress"> & { json: boolean; only?: string; breakdown: boolean; peers: boolean }
  >();
  const single = options.breakdown ? measureBreakdown : options.peers ? measureGoals : undefined;
  const parts = single ? [single] : Object.entries(PARTS)
    .filter(([name]) => options.only === undefined || options.only === name).map(([, part]) => part);
  const scale = { ...options, onProgress: startProgress() };
  const reports: Report[] = [];
  for (const part of parts) {
    const own = resources.use(new AsyncDisposableStack());
    reports.push(await part(scale, own));
    await own.disposeAsync();
  }
  const unmeasured = single ? {} : { baselines: {}, endpoints: {}, sql: {}, bundles: {}, executor: {}, mcp: {} };
  console.log(
    options.json ? JSON.stringify(Object.assign(unmeasured, ...reports.map(({ json }) => json))) : print(reports),
  );
  return 0;
}

function print(reports: Report[]): string {
  const verdicts = verdictLines(reports.flatMap(({ verdicts }) => verdicts));
  return [...reports.flatMap(({ tables }) => tables), ...verdicts ? [verdicts] : []].join("\n\n");
}

/** Prints each step with the seconds since the start. */
function startProgress(): Scale["onProgress"] {
  const begun = performance.now();
  return (step) => console.error(`${((performance.now() - begun) / 1000).toFixed(0).padStart(4)} s  ${step} …`);
}

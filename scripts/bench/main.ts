// deno-lint-ignore-file no-console -- a program for a terminal
/**
 * `deno task bench`: how fast it is, beside baselines of the same run. Figures go to standard output, progress to standard
 * error. The exit code says nothing about speed: what else the machine does is in every figure.
 */

import { Option } from "commander";
import { measureBreakdown } from "./breakdown/breakdown.ts";
import { measureBundles } from "./bundles.ts";
import { measureEndpoints } from "./endpoints/endpoints.ts";
import { measureSql } from "./sql/sql.ts";
import type { BenchPart, Report, Scale } from "./support/part.ts";
import { runWithResources } from "./support/program.ts";
import { verdictLines } from "./support/verdict.ts";
import { newProgram, runProgram } from "../cli/program.ts";

/** What `--only` chooses from. A further part is a function here. */
const PARTS: Record<string, BenchPart> = { endpoints: measureEndpoints, sql: measureSql, bundles: measureBundles };

const program = newProgram(
  "bench",
  "Measures every endpoint, every SQL function and every bundle on this machine, on native PostgreSQL 17.",
)
  .option("--json", "print one object: baselines, endpoints, sql, bundles", false)
  .option("--short", "take two minutes: shorter rounds, and so a wider spread", false)
  .option("--large", "measure the SQL functions at 1,000,000 rows too", false)
  .addOption(new Option("--only <part>", "measure one part").choices(Object.keys(PARTS)))
  .option("--breakdown", "measure instead where the time of a request goes, in microseconds", false)
  .action(() => runWithResources(bench));

if (import.meta.main) await runProgram(program);

async function bench(resources: AsyncDisposableStack): Promise<number> {
  const options = program.opts<Omit<Scale, "onProgress"> & { json: boolean; only?: string; breakdown: boolean }>();
  const parts = options.breakdown ? [measureBreakdown] : Object.entries(PARTS)
    .filter(([name]) => options.only === undefined || options.only === name).map(([, part]) => part);
  const scale = { ...options, onProgress: startProgress() };
  const reports: Report[] = [];
  for (const part of parts) {
    const own = resources.use(new AsyncDisposableStack());
    reports.push(await part(scale, own));
    await own.disposeAsync();
  }
  const unmeasured = options.breakdown ? {} : { baselines: {}, endpoints: {}, sql: {}, bundles: {} };
  console.log(
    options.json ? JSON.stringify(Object.assign(unmeasured, ...reports.map(({ json }) => json))) : print(reports),
  );
  return 0;
}

function print(reports: Report[]): string {
  const verdicts = verdictLines(reports.flatMap(({ verdicts }) => verdicts));
  return [...reports.flatMap(({ tables }) => tables), ...verdicts ? [verdicts] : []].join("\n\n");
}

/** Tells each step with the seconds since the start. */
function startProgress(): Scale["onProgress"] {
  const begun = performance.now();
  return (step) => console.error(`${((performance.now() - begun) / 1000).toFixed(0).padStart(4)} s  ${step} …`);
}

// deno-lint-ignore-file no-console -- a program for a terminal
/**
 * `deno task bench`: how fast it is, beside baselines that the same run measures. Figures on standard output, progress on
 * standard error. It promises nothing by its exit code: what the machine does besides is in every figure.
 */

import { parseArgs } from "node:util";
import { measureBreakdown } from "./bench/breakdown.ts";
import { measureBundles } from "./bench/bundles.ts";
import { measureEndpoints } from "./bench/endpoints.ts";
import * as report from "./bench/report.ts";
import { measureSql } from "./bench/sql.ts";
import { breakdownVerdicts, bundleVerdicts, sqlVerdicts, verdictLines } from "./bench/verdicts.ts";
import { StackError, tell } from "./stack/child.ts";

const HELP = `Measures every endpoint, every SQL function and every bundle on this machine, on native PostgreSQL 17.

Usage: deno task bench [options]

  --json        one object on standard output: baselines, endpoints, sql, bundles
  --short       within two minutes: shorter rounds, and so a wider spread
  --large       the SQL functions at 1,000,000 rows too
  --only PART   endpoints, sql or bundles alone
  --breakdown   instead of all that: where the time of a request goes, in microseconds
  --help        this text
`;

type Options = NonNullable<ReturnType<typeof readOptions>>;
type OnProgress = (step: string) => void;

/** Figures are medians over so many rounds. */
const ROUNDS = 5;
const SIZES = [1000, 100_000];
const LARGE = 1_000_000;

if (import.meta.main) {
  const resources = new AsyncDisposableStack();
  const asked = new Promise<number>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, () => resolve(130));
  });
  const code = await Promise.race([asked, main(resources)]);
  await resources.disposeAsync().catch(() => {});
  Deno.exit(code);
}

/** What it has started is in the resources, which are released whether it comes to its end or not. */
async function main(resources: AsyncDisposableStack): Promise<number> {
  try {
    const options = readOptions();
    if (options === undefined) console.log(HELP);
    else if (options.breakdown) await breakDown(options, resources);
    else await measure(options, resources);
    return 0;
  } catch (error) {
    // Released before its end, it fails at whatever it was about.
    if (!resources.disposed) tell(error);
    return 1;
  }
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        json: { type: "boolean", default: false },
        short: { type: "boolean", default: false },
        large: { type: "boolean", default: false },
        only: { type: "string" },
        breakdown: { type: "boolean", default: false },
        help: { type: "boolean", short: "h" },
      },
    });
    if (values.help) return undefined;
    const isPart = values.only === undefined || ["endpoints", "sql", "bundles"].includes(values.only);
    if (isPart) return values;
    throw new Error("--only takes endpoints, sql or bundles");
  } catch (error) {
    throw new StackError(`${error instanceof Error ? error.message : error} (see deno task bench --help)`);
  }
}

async function measure(options: Options, resources: AsyncDisposableStack): Promise<void> {
  const { json, short, large, only } = options;
  const onProgress = startProgress();
  const part = async <Result>(name: string, work: (own: AsyncDisposableStack) => Promise<Result>) => {
    if (only !== undefined && only !== name) return undefined;
    const own = resources.use(new AsyncDisposableStack());
    const result = await work(own);
    await own.disposeAsync();
    return result;
  };
  const results: report.Results = {};
  const bundles = await part("bundles", (own) => measureBundles({ rounds: short ? ROUNDS : 15, onProgress }, own));
  if (bundles) results.bundles = bundles;
  const sizes = large ? [...SIZES, LARGE] : SIZES;
  const calls = { calls: short ? 40 : 200, rateMs: short ? 100 : 1200 };
  const sql = await part("sql", (own) => measureSql({ sizes, rounds: ROUNDS, ...calls, onProgress }, own));
  if (sql) results.sql = sql;
  const load = { clients: [1, 16, 64], rounds: ROUNDS, ms: short ? 120 : 2000 };
  const endpoints = await part("endpoints", (own) => measureEndpoints({ ...load, onProgress }, own));
  if (endpoints) results.endpoints = endpoints;
  console.log(json ? JSON.stringify(report.toJson(results)) : print(results));
}

function print({ endpoints, sql, bundles }: report.Results): string {
  const parts = [];
  if (endpoints) parts.push(report.endpointTable(endpoints));
  if (sql) parts.push(report.growthTable(sql), report.rateTable(sql), report.layerTable(sql));
  if (bundles) parts.push(report.bundleTable(bundles));
  const verdicts = [...sql ? sqlVerdicts(sql) : [], ...bundles ? bundleVerdicts(bundles) : []];
  if (verdicts.length > 0) parts.push(verdictLines(verdicts));
  return parts.join("\n\n");
}

async function breakDown({ json, short }: Options, resources: AsyncDisposableStack): Promise<void> {
  const onProgress = startProgress();
  const calls = short ? 1000 : 4000;
  const breakdown = await measureBreakdown({ calls, ms: short ? 800 : 4000, onProgress }, resources);
  if (json) console.log(JSON.stringify(breakdown));
  else {console.log(
      `${report.breakdownTable(breakdown)}\n\n${verdictLines(breakdownVerdicts(breakdown))}`,
    );}
}

/** Tells each step with the seconds since the start. */
function startProgress(): OnProgress {
  const begun = performance.now();
  return (step) => console.error(`${((performance.now() - begun) / 1000).toFixed(0).padStart(4)} s  ${step} …`);
}

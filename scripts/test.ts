// deno-lint-ignore-file no-console -- a program for a terminal
/**
 * `deno task test`: units, then the end-to-end suite on PGlite and on native PostgreSQL 17, each on a stack of its own, and
 * the vault's once more without the hub's secret key. Two processes test at a time; the second one's output follows the first's.
 * With STACK_FILE set, the end-to-end suite alone, against the stack which that file describes.
 * `deno task test:slow`: races, outages and leaks. The last line is `N passed, N failed`.
 */

import { tell } from "./stack/child.ts";
import { freePort } from "./stack/ready.ts";
import { type Stack, startStack } from "./stack/stack.ts";

const VAULT_TESTS = ["key-vault-executor/tests"];
const END_TO_END = ["governance-hub/tests", ...VAULT_TESTS];

/** In minutes. A process that tests for longer hangs: it is ended, and is one failure. */
const LIMIT = 20;

interface Count {
  passed: number;
  failed: number;
}

/** What a process found, and its output if that was kept back. */
interface Run extends Count {
  kept?: string | undefined;
}

/** Whether a process's output is seen at once, or kept. */
type Output = "live" | "kept";

if (import.meta.main) {
  const total = { passed: 0, failed: 0 };
  const add = ({ passed, failed }: Count) => {
    total.passed += passed;
    total.failed += failed;
  };
  const givenStack = Deno.env.get("STACK_FILE");
  if (Deno.args.includes("--slow")) {
    add(await denoTest("races, outages and leaks", ["scripts/slow"]));
  } else if (givenStack !== undefined) {
    const environment = { STACK_FILE: await Deno.realPath(givenStack) };
    add(await denoTest("end to end, on the given stack", END_TO_END, environment));
  } else {
    const { programs, parts } = await unitTests();
    const pairs = [
      () => [denoTest("units", ["shared", ...parts]), denoTest("programs", programs, {}, "kept")],
      () => [endToEnd("on PGlite", "pglite"), endToEnd("on PostgreSQL", "postgres", "kept")],
    ];
    for (const start of pairs) {
      const runs = await Promise.all(start());
      for (const { kept } of runs) if (kept !== undefined) console.log(kept);
      runs.forEach(add);
    }
    const withoutKey = { REPO_B_SERVICE_KEY: "" };
    add(await endToEnd("the vault without the hub's secret key", "postgres", "live", withoutKey, VAULT_TESTS));
  }
  console.log(`${total.passed} passed, ${total.failed} failed`);
  Deno.exit(total.failed === 0 ? 0 : 1);
}

/** The tests of scripts/ but for the slow ones: files, most of which run a whole program, and folders. */
async function unitTests(): Promise<{ programs: string[]; parts: string[] }> {
  const entries = await Array.fromAsync(Deno.readDir(new URL(".", import.meta.url)));
  const paths = (chosen: Deno.DirEntry[]) => chosen.map(({ name }) => `scripts/${name}`).sort();
  return {
    programs: paths(entries.filter(({ name, isFile }) => isFile && name.endsWith("_test.ts"))),
    parts: paths(entries.filter(({ name, isDirectory }) => isDirectory && name !== "slow")),
  };
}

/** Runs the end-to-end suite on a throw-away stack. A stack that does not start is one failure. */
async function endToEnd(
  title: string,
  engine: "pglite" | "postgres",
  output: Output = "live",
  environment: Record<string, string> = {},
  paths = END_TO_END,
): Promise<Run> {
  const dataDir = await Deno.makeTempDir();
  await Deno.chmod(dataDir, 0o711);
  const logPath = `${dataDir}/requests.log`;
  let stack: Stack | undefined;
  try {
    const [hubPort, vaultPort] = [freePort(), freePort()];
    const onProgress = () => {};
    stack = await startStack({
      engine,
      dataDir,
      hubPort,
      vaultPort,
      fresh: true,
      environment,
      logPath,
      onProgress,
    });
    return await denoTest(`end to end, ${title}`, paths, { STACK_FILE: stack.path }, output);
  } catch (error) {
    tell(error);
    return { passed: 0, failed: 1 };
  } finally {
    await stack?.stop();
    await Deno.remove(dataDir, { recursive: true });
  }
}

async function denoTest(
  title: string,
  paths: string[],
  environment: Record<string, string> = {},
  output: Output = "live",
): Promise<Run> {
  const isKept = output === "kept";
  const heading = `\n== ${title}`;
  if (!isKept) console.log(heading);
  const report = await Deno.makeTempFile({ suffix: ".xml" });
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", "--allow-all", "--no-check", `--junit-path=${report}`, ...paths],
    env: environment,
    stdout: isKept ? "piped" : "inherit",
  }).spawn();
  const timer = setTimeout(() => {
    console.error(`${title}: not ended after ${LIMIT} minutes`);
    child.kill();
  }, LIMIT * 60_000);
  const kept = isKept ? `${heading}\n${await new Response(child.stdout).text()}` : undefined;
  const { code } = await child.status;
  clearTimeout(timer);
  const xml = await Deno.readTextFile(report);
  await Deno.remove(report);
  const { passed, failed } = countOf(xml);
  // A file that does not load fails no test of its own.
  return { passed, failed: code !== 0 && failed === 0 ? 1 : failed, kept };
}

/** The counts of a JUnit report. */
function countOf(xml: string): Count {
  const root = /<testsuites [^>]*>/.exec(xml)?.[0] ?? "";
  const read = (name: string) => Number(new RegExp(` ${name}="(\\d+)"`).exec(root)?.[1] ?? 0);
  const failed = read("failures") + read("errors");
  return { passed: read("tests") - failed, failed };
}

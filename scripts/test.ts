// deno-lint-ignore-file no-console -- a program for a terminal
/**
 * `deno task test`: units, then the end-to-end suite on PGlite and on native PostgreSQL 17, each on a stack of its own, and
 * the vault's once more without the hub's secret key.
 * With STACK_FILE set, the end-to-end suite alone, against the stack which that file describes.
 * `deno task test:slow`: races, outages and leaks. The last line is `N passed, N failed`.
 */

import { tell } from "./stack/child.ts";
import { freePort } from "./stack/ready.ts";
import { type Stack, startStack } from "./stack/stack.ts";

const VAULT_TESTS = ["key-vault-executor/tests"];
const END_TO_END = ["governance-hub/tests", ...VAULT_TESTS];

interface Count {
  passed: number;
  failed: number;
}

if (import.meta.main) {
  const total = { passed: 0, failed: 0 };
  const add = ({ passed, failed }: Count) => {
    total.passed += passed;
    total.failed += failed;
  };
  const givenStack = Deno.env.get("STACK_FILE");
  if (Deno.args.includes("--slow")) {
    add(await denoTest("races, outages and leaks", ["scripts/slow"], {}));
  } else if (givenStack !== undefined) {
    add(await denoTest("end to end, on the given stack", END_TO_END, { STACK_FILE: await Deno.realPath(givenStack) }));
  } else {
    add(await denoTest("units", ["shared", ...await unitTests()], {}));
    add(await endToEnd("on PGlite", "pglite"));
    add(await endToEnd("on PostgreSQL", "postgres"));
    const withoutKey = { REPO_B_SERVICE_KEY: "" };
    add(await endToEnd("the vault without the hub's secret key", "postgres", withoutKey, VAULT_TESTS));
  }
  console.log(`${total.passed} passed, ${total.failed} failed`);
  Deno.exit(total.failed === 0 ? 0 : 1);
}

/** The tests in scripts/ but for the slow ones. */
async function unitTests(): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(new URL(".", import.meta.url)));
  return entries.filter(({ name, isDirectory }) => isDirectory ? name !== "slow" : name.endsWith("_test.ts"))
    .map(({ name }) => `scripts/${name}`).sort();
}

/** Runs the end-to-end suite on a throw-away stack. A stack that does not start is one failure. */
async function endToEnd(
  title: string,
  engine: "pglite" | "postgres",
  environment: Record<string, string> = {},
  paths = END_TO_END,
): Promise<Count> {
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
    return await denoTest(`end to end, ${title}`, paths, { STACK_FILE: stack.path });
  } catch (error) {
    tell(error);
    return { passed: 0, failed: 1 };
  } finally {
    await stack?.stop();
    await Deno.remove(dataDir, { recursive: true });
  }
}

async function denoTest(title: string, paths: string[], environment: Record<string, string>): Promise<Count> {
  console.log(`\n== ${title}`);
  const report = await Deno.makeTempFile({ suffix: ".xml" });
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: ["test", "--allow-all", "--no-check", `--junit-path=${report}`, ...paths],
    env: environment,
  }).spawn().status;
  const xml = await Deno.readTextFile(report);
  await Deno.remove(report);
  const { passed, failed } = countOf(xml);
  // A file that does not load fails no test of its own.
  return { passed, failed: code !== 0 && failed === 0 ? 1 : failed };
}

/** The counts of a JUnit report. */
function countOf(xml: string): Count {
  const root = /<testsuites [^>]*>/.exec(xml)?.[0] ?? "";
  const read = (name: string) => Number(new RegExp(` ${name}="(\\d+)"`).exec(root)?.[1] ?? 0);
  const failed = read("failures") + read("errors");
  return { passed: read("tests") - failed, failed };
}

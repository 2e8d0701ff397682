import { assert, assertEquals, assertMatch } from "@std/assert";
import { globSync } from "node:fs";
import { SLOW, testFiles } from "./test_files.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

async function run(args: string[]): Promise<{ code: number; out: string; err: string }> {
  const command = ["run", "-A", "--cached-only", "scripts/test/main.ts", ...args];
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args: command, cwd: ROOT }).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

Deno.test("test refuses an unknown argument, and runs nothing", async (t) => {
  for (const args of [["--slow"], ["--slwo"], ["fast"], ["unit", "shared"], ["db", "--filter", "x"], ["e2e", "--x"]]) {
    await t.step(args.join(" "), async () => {
      const { code, out, err } = await run(args);
      assertEquals([code, out], [1, ""]);
      assertMatch(err, /^error: (unknown option|too many arguments)/);
    });
  }
});

Deno.test("test e2e fails with a message when --filter matches no test", async () => {
  const filter = ["--filter", "no test is called so"];
  const { code, err } = await run(["e2e", "governance-hub/tests/list_test.ts", "--postgres", ...filter]);
  assertEquals(code, 1);
  assertMatch(err, /error: no test has that name/);
});

Deno.test("each test file in scripts/ is on one step of the ladder", async () => {
  const { unit, db, programs, admin } = await testFiles();
  const onSteps = [...unit, ...db, ...programs, ...admin].filter((path) => path.startsWith("scripts/")).sort();
  const all = globSync("scripts/**/*_test.ts", { cwd: ROOT }).sort();
  assertEquals(onSteps, all.filter((path) => !Object.values(SLOW).some((folder) => path.startsWith(`${folder}/`))));
  for (const path of onSteps) assert(await Deno.stat(`${ROOT}${path}`), path);
});

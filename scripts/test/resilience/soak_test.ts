/** Half a minute of the Executor's soak test. Whether memory is flat takes longer: see `deno task soak --executor`. */

import { assertEquals, assertMatch } from "@std/assert";

const MAIN = new URL("../../soak/main.ts", import.meta.url).pathname;

Deno.test("the Executor's soak test finds no fault while servers are killed at random", async () => {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--cached-only", MAIN, "--executor", "--minutes", "0.5"],
    stdin: "null",
  }).output();
  const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  assertEquals(code, 0, said);
  assertMatch(said, /✓ \d+ calls, [1-9]\d* processes killed: [1-9]\d* ok/);
});

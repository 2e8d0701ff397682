import { assertEquals, assertMatch } from "@std/assert";

Deno.test("demo shows the whole flow with every answer as specified, and prints no colour to a pipe", async () => {
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--cached-only", new URL("main.ts", import.meta.url).pathname],
  }).output();
  const text = new TextDecoder().decode(stdout);
  assertEquals(code, 0, text);
  assertMatch(text, /All 19 answers are as specified\.\n$/);
  assertEquals(text.includes("\x1b["), false);
});

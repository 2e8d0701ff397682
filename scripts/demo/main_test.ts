import { assertEquals, assertMatch } from "@std/assert";

Deno.test("demo shows the whole flow, every answer as specified, and no colour in a pipe", async () => {
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--cached-only", new URL("demo.ts", import.meta.url).pathname],
  }).output();
  const text = new TextDecoder().decode(stdout);
  assertEquals(code, 0, text);
  assertMatch(text, /All 19 answers are the specified ones\.\n$/);
  assertEquals(text.includes("\x1b["), false);
});

import { assertEquals, assertMatch } from "@std/assert";

/** What a reader must see: the result without the key, the crash, the return, and the new key. */
const SAID = [
  /^200 .*"text":"order 1: a book, paid with the key \[redacted AMAZON_API_KEY\]"/m,
  /^200 .*"key-vault-executor\/error":"server_ended"/m,
  /^200 .*"text":"order 2: a book/m,
  /^200 .*"text":"order 3: a lamp, paid with the key \[redacted AMAZON_API_KEY\]"/m,
  /^No value of the credential is in the agent's 15 answers, or in the [2-9]\d lines of the log\.$/m,
];

Deno.test("demo shows the whole flow with every answer as specified, and prints no colour to a pipe", async () => {
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--cached-only", new URL("main.ts", import.meta.url).pathname],
  }).output();
  const text = new TextDecoder().decode(stdout);
  assertEquals(code, 0, text);
  assertMatch(text, /All 23 answers are as specified\.\n$/);
  assertEquals(text.includes("\x1b["), false);
  for (const said of SAID) assertMatch(text, said);
});

import { assert, assertEquals, assertMatch } from "@std/assert";
import { argsFor, curlsOf, readStack, start, stop, withFolder } from "../../stack/testing/start.ts";

const README = await Deno.readTextFile(new URL("../../../README.md", import.meta.url));

/** README's block of commands that begins with these words. */
function blockOf(beginning: string): string {
  const block = [...README.matchAll(/^```bash\n(.*?)^```$/gms)].map(([, text = ""]) => text)
    .find((text) => text.startsWith(beginning));
  assert(block !== undefined, `README has no block of commands that begins with ${beginning}`);
  return block;
}

/** Runs commands as a user pastes them into a shell. */
async function paste(commands: string, folder: string): Promise<string> {
  const { stdout, stderr } = await new Deno.Command("sh", {
    args: ["-c", commands.replaceAll("curl ", 'curl -sS -w "\\n" ')],
    cwd: folder,
  }).output();
  const decoder = new TextDecoder();
  assertEquals(decoder.decode(stderr), "");
  return decoder.decode(stdout);
}

/** That a server was registered, a credential stored, and a tool called, which does not show the credential. */
function assertWorks(printed: string): void {
  assertEquals(printed.match(/"ok":true/g)?.length, 2, printed);
  assertMatch(
    printed,
    /"result":\{"content":\[\{"type":"text".*EVERYTHING_API_KEY\\": \\"\[redacted EVERYTHING_API_KEY\]/,
  );
  assert(!printed.includes("a-made-up-key-4711"), printed);
}

Deno.test("the quick start works as pasted", async (t) => {
  await withFolder(async (folder) => {
    const running = await start(argsFor(`${folder}/.local`));
    const stack = await readStack(running);

    await t.step("README's commands", async () => {
      const commands = blockOf("HUB=");
      assertWorks(await paste(commands, folder));
      const api = await paste(
        commands.replaceAll(/^(?!HUB|VAULT|KEY|JSON).*\n/gm, "") + blockOf('curl "$HUB'),
        folder,
      );
      assertEquals(api.match(/"ok":true/g)?.length, 3, api);
    });

    await t.step("the commands that start prints, on a stack without data", async () => {
      await stop(running);
      const fresh = await start([...running.args, "--fresh"]);
      assertWorks(await paste(curlsOf(fresh.output()).join("\n"), folder));
      await stop(fresh);
    });

    await t.step("the block for a client's configuration has the gateway's address and a key", () => {
      const block = /^\{\n {2}"mcpServers".*?^\}$/ms.exec(running.output())?.[0] ?? "";
      const key = stack.organizations[0]?.tenants[0]?.api_key;
      const server = { type: "http", url: stack.gateway.url, headers: { "X-API-Key": key } };
      assertEquals(JSON.parse(block), { mcpServers: { "acme-shop": server } });
    });
  });
});

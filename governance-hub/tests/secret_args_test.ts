import { assert, assertEquals } from "@std/assert";
import { generateKey } from "shared/auth/api_key.ts";
import { assertRefused, get, newTenant, post } from "../../scripts/test/support/client.ts";
import { newServer } from "../../scripts/test/support/endpoints.ts";

const HUB = "governance-hub";

/** Assembled at run time, so that secret scanners do not report this file. */
const SECRETS: [form: string, secret: string][] = [
  ["an agent's key of this registry", generateKey("agent")],
  ["a GitHub token", "gh" + "p_" + "aB3".repeat(12)],
];

for (const path of ["mcp-servers/register", "mcp-servers-register", "mcp-servers/update", "mcp-servers-update"]) {
  Deno.test(`POST /${path} answers 400 to a secret in args, names the vault, and neither echoes nor stores the secret`, async () => {
    const { agent } = await newTenant();
    const existing = newServer("existing");
    await post(HUB, "mcp-servers/register", agent, existing);
    const before = (await get(HUB, "mcp-servers/list", agent)).body.data;
    const body = path.includes("update") ? { server_id: "existing" } : newServer();
    for (const [form, secret] of SECRETS) {
      for (const arg of [secret, `TOKEN=${secret}`, `--token=${secret}`, `{"token": "${secret}"}`]) {
        const reply = await post(HUB, path, agent, { ...body, args: ["server.js", arg] });
        assertRefused(reply, 400, "secret_in_args", "args");
        assert(reply.body.error.fields[0].message.startsWith("args[1] holds a"), reply.text);
        assert(reply.text.includes("credentials/store") && !reply.text.includes(secret), `${form}: ${reply.text}`);
      }
    }
    assertEquals((await get(HUB, "mcp-servers/list", agent)).body.data, before);
  });
}

Deno.test("POST /mcp-servers/register accepts placeholders, and arguments that only look random", async () => {
  const { agent } = await newTenant();
  const args = [
    "${GITHUB_TOKEN}",
    "--token=<token>",
    "GITHUB_TOKEN=YOUR_GITHUB_TOKEN",
    crypto.randomUUID(),
    "a".repeat(40),
  ];
  const reply = await post(HUB, "mcp-servers/register", agent, { ...newServer(), args });
  assertEquals([reply.status, reply.body.data.args], [201, args]);
});

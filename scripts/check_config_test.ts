import { assert, assertEquals, assertMatch } from "@std/assert";

const SECRETS: Record<string, string> = {
  KERNEL_HMAC_SECRET: "ab".repeat(32),
  REPO_B_URL: "https://hub.example",
  REPO_B_SERVICE_KEY: "sb_secret_canary",
  CREDENTIAL_ENCRYPTION_KEY: "cd".repeat(32),
};

async function check(args: string[], env: Record<string, string>): Promise<{ code: number; text: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--cached-only", new URL("check_config.ts", import.meta.url).pathname, ...args],
    env: { PATH: Deno.env.get("PATH") ?? "", HOME: Deno.env.get("HOME") ?? "", ...env },
    clearEnv: true,
  }).output();
  return { code, text: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
}

Deno.test("check-config is content with good variables, and shows no value", async () => {
  const { code, text } = await check([], SECRETS);
  assertEquals(code, 0, text);
  for (const [name, value] of Object.entries(SECRETS)) {
    assert(text.includes(`✓ ${name}`) && !text.includes(value), name);
  }
});

Deno.test("check-config says of each variable that is missing or malformed what it must be, and exits with 1", async () => {
  const faults: [name: string, value: string, said: RegExp][] = [
    ["KERNEL_HMAC_SECRET", "canary", /✗ KERNEL_HMAC_SECRET is malformed: it must be at least 64 hex/],
    ["REPO_B_URL", "http://canary", /✗ REPO_B_URL is malformed: it must be the hub's https/],
    ["REPO_B_URL", "", /✗ REPO_B_URL is not set/],
    ["REPO_B_SERVICE_KEY", "", /✗ REPO_B_SERVICE_KEY is not set/],
    ["CREDENTIAL_ENCRYPTION_KEY", "canary", /✗ CREDENTIAL_ENCRYPTION_KEY is malformed: it must be 32 bytes/],
    ["CREDENTIAL_ENCRYPTION_KEY", "", /✗ CREDENTIAL_ENCRYPTION_KEY is not set: it must be 32 bytes/],
    ["CREDENTIAL_ENCRYPTION_PREVIOUS_KEYS", "canary", /✗ CREDENTIAL_ENCRYPTION_PREVIOUS_KEYS is malformed.*entry 1/],
  ];
  for (const [name, value, said] of faults) {
    const { code, text } = await check(["--project", "vault"], { ...SECRETS, [name]: value });
    assertEquals(code, 1, text);
    assertMatch(text, said);
    assert(!text.includes("canary"), text);
  }
});

Deno.test("check-config reads an env file, and one project alone", async () => {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, Object.entries(SECRETS).map(([name, value]) => `${name}="${value}"`).join("\n"));
    const { code, text } = await check(["--project", "vault", "--env-file", path], {});
    assertEquals([code, text.includes("governance-hub")], [0, false], text);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("check-config helps with a mistyped option, project and file", async () => {
  assertMatch((await check(["--proj"], {})).text, /^error: Unknown option '--proj'.*--help\)\n$/);
  assertMatch((await check(["--project", "both"], {})).text, /^error: --project must be hub or vault\n$/);
  assertMatch((await check(["--env-file", "/nowhere"], {})).text, /^error: \/nowhere cannot be read/);
});

import { assert, assertEquals, assertMatch } from "@std/assert";
import { type Variable, VARIABLES } from "shared/variables.ts";

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

Deno.test("check-config accepts valid variables, and shows no value", async () => {
  const { code, text } = await check([], SECRETS);
  assertEquals(code, 0, text);
  for (const [name, value] of Object.entries(SECRETS)) {
    assert(text.includes(`✓ ${name}`) && !text.includes(value), name);
  }
});

Deno.test("check-config says what each missing or malformed variable must be, and exits with 1", async () => {
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
    assertMatch(text, said, `${name}=${value}`);
    assert(!text.includes("canary"), text);
  }
});

Deno.test("check-config reads an env file, and checks only the chosen project", async () => {
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
  const mistyped: [args: string[], said: RegExp][] = [
    [["--proj"], /^error: unknown option '--proj' .*check-config --help\)\n$/],
    [["--project", "both"], /^error: .*'both' is invalid\. Allowed choices are hub, vault, executor\. \(see .*\)\n$/],
    [["vault"], /^error: too many arguments/],
  ];
  for (const [args, said] of mistyped) {
    const { code, text } = await check(args, {});
    assertEquals(code, 2, text);
    assertMatch(text, said, args.join(" "));
  }
  assertMatch((await check(["--env-file", "/nowhere"], {})).text, /^error: \/nowhere cannot be read/);
});

Deno.test("check-config accepts the hub's publishable key instead of its secret key, and requires one of them", async () => {
  const publishable = { REPO_B_SERVICE_KEY: "", REPO_B_ANON_KEY: "sb_publishable_canary" };
  const { code, text } = await check(["--project", "vault"], { ...SECRETS, ...publishable });
  assertEquals(code, 0, text);
  assertMatch(text, /^ {2}✓ REPO_B_ANON_KEY$/m);
  assertMatch(text, /– REPO_B_SERVICE_KEY is not set \(required with REPO_B_URL: either key\)/);
  const neither = await check(["--project", "vault"], { ...SECRETS, REPO_B_SERVICE_KEY: "" });
  assertEquals(neither.code, 1, neither.text);
  assertMatch(neither.text, /REPO_B_SERVICE_KEY is not set: .*\(or set REPO_B_ANON_KEY to the hub's publishable key\)/);
});

Deno.test("check-config requires no address and no key of the hub with REPO_B_DATABASE_URL", async () => {
  const { REPO_B_URL: _url, REPO_B_SERVICE_KEY: _key, ...others } = SECRETS;
  const REPO_B_DATABASE_URL = "postgresql://function_caller:canary@hub.example/postgres";
  const direct = await check(["--project", "vault"], { ...others, REPO_B_DATABASE_URL });
  assertEquals([direct.code, direct.text.includes("canary")], [0, false], direct.text);
  assertMatch(direct.text, /– REPO_B_URL is not set \(required without REPO_B_DATABASE_URL\)/);
  const neither = await check(["--project", "vault"], others);
  assertEquals(neither.code, 1, neither.text);
  assertMatch(neither.text, /✗ REPO_B_URL is not set: .*\(or set REPO_B_DATABASE_URL to the hub's DATABASE_URL\)/);
});

Deno.test("check-config checks the Executor's variables, and shows no value", async () => {
  const good = {
    DECISION_VERIFY_KEYS: "a".repeat(43),
    VAULT_URL: "https://vault.example",
    EXECUTOR_KEY: `krn_${"c".repeat(49)}`,
  };
  const fine = await check(["--project", "executor"], good);
  assertEquals(fine.code, 0, fine.text);
  assertMatch(fine.text, /^executor\n {2}✓ DECISION_VERIFY_KEYS\n {2}✓ VAULT_URL\n {2}✓ EXECUTOR_KEY\n/);
  assertMatch(fine.text, /^ {2}– EXECUTOR_PORT is not set \(optional, by default 56321\): the port to listen on/m);
  for (const value of Object.values(good)) assert(!fine.text.includes(value), fine.text);
  const bad = await check(["--project", "executor"], { ...good, VAULT_URL: "http://canary", EXECUTOR_KEY: "" });
  assertEquals(bad.code, 1, bad.text);
  assertMatch(bad.text, /✗ VAULT_URL is malformed: it must be the vault's https/);
  assertMatch(bad.text, /✗ EXECUTOR_KEY is not set: it must be a kernel's key/);
  assert(!bad.text.includes("canary"), bad.text);
});

Deno.test("scripts/README.md's table of variables matches the code", async () => {
  const readme = await Deno.readTextFile(new URL("../README.md", import.meta.url));
  const rows = [...readme.matchAll(/^\| `([A-Z_]{4,})` \|(.*)\|$/gm)].map(([, name, cells]) => [
    name,
    ...cells?.replaceAll("`", "").split("|").map((cell) => cell.trim()) ?? [],
  ]);
  const expected = Object.entries<Variable>(VARIABLES).map(([name, { project, required, meaning, form }]) => [
    name,
    project,
    required,
    meaning,
    form,
  ]);
  assertEquals(rows, expected);
});

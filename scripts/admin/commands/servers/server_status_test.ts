import { assertEquals, assertMatch } from "@std/assert";
import { makeDecisionKeys } from "shared/decision/decision_keys.ts";
import { callTool, SECRET, startExecutor } from "key-vault-executor/executor/testing/executor.ts";
import { makeHub, serverOf } from "key-vault-executor/executor/testing/make.ts";
import { admin, assertNothingSecretPrinted, HOSTED, newTenant, request } from "../../../test/support/admin/program.ts";

const hub = await makeHub();
const signingKey = hub.signingKeyText;

/** A tenant whose server has told its secret to its error output, and has died. */
async function crash(executor: Awaited<ReturnType<typeof startExecutor>>, name: string) {
  const tenant = await newTenant(name);
  const fields = { server_id: "bad", command: "node", args: ["misbehave.mjs"], tool_prefix: "amazon." };
  assertEquals(await request(tenant.key, "mcp-servers/register", { ...fields, name: "bad" }), 201);
  const server = serverOf(fields);
  for (const tool of ["amazon.stderr", "amazon.die"]) {
    const client = await executor.connect({ tenant_id: tenant.id, server, tool });
    await callTool(client, tool, { name: "AMAZON_API_KEY" });
    await client.close();
  }
  return tenant;
}

Deno.test("server status shows what each Executor runs, redacted, of all tenants or of one", async () => {
  await using executor = await startExecutor({ hub });
  const env = { ...HOSTED, EXECUTOR_URLS: executor.url, DECISION_SIGNING_KEY: signingKey };
  const first = await crash(executor, "crashed-one");
  const second = await crash(executor, "crashed-two");

  const all = await admin(["server", "status", "--stderr"], env);
  assertEquals([all.code, all.err], [0, ""]);
  const row =
    "bad +backoff +20\\S+ \\S+Z +2 +0 +0 +code 3 20\\S+ \\S+Z +server_ended: the server ended during the call";
  for (const { name, organization } of [first, second]) {
    assertMatch(all.out, new RegExp(`^${organization}/${name} +${row}`, "m"), name);
    assertMatch(
      all.out,
      new RegExp(`^${organization}/${name} bad at ${executor.url}:\n  using \\[redacted AMAZON_API_KEY\\]$`, "m"),
    );
  }
  assertEquals(all.out.includes(SECRET), false);

  const one = JSON.parse((await admin(["server", "status", first.id, "--json"], env)).out);
  assertEquals([one.ok, one.problems, one.servers.length], [true, [], 1]);
  const { tenant_id, state, calls, last_exit, error_output } = one.servers[0];
  assertEquals([tenant_id, state, calls, last_exit.code, error_output], [first.id, "backoff", 2, 3, undefined]);
  const detailed = JSON.parse((await admin(["server", "status", first.id, "--json", "--stderr"], env)).out);
  assertEquals(detailed.servers[0].error_output, ["using [redacted AMAZON_API_KEY]"]);
});

Deno.test("server status shows what it learns, and says which Executor does not answer or refuses", async () => {
  await using executor = await startExecutor({ hub });
  const tenant = await crash(executor, "crashed-three");
  const env = { ...HOSTED, EXECUTOR_URLS: `${executor.url},http://127.0.0.1:1/`, DECISION_SIGNING_KEY: signingKey };
  const partly = await admin(["server", "status", tenant.id], env);
  assertEquals(partly.code, 1);
  assertMatch(partly.out, new RegExp(`^TENANT .*EXECUTOR .*\n.* bad +${executor.url} +backoff `));
  assertMatch(partly.err, /^error: the Executor at http:\/\/127\.0\.0\.1:1 does not answer; check EXECUTOR_URLS\n$/);

  const other = { ...env, EXECUTOR_URLS: executor.url, DECISION_SIGNING_KEY: (await makeDecisionKeys()).signingKey };
  const refused = await admin(["server", "status", tenant.id], other);
  assertEquals(refused.code, 1);
  assertMatch(refused.err, /refuses the decision: none of its DECISION_VERIFY_KEYS belongs to DECISION_SIGNING_KEY/);
});

Deno.test("server status says which variable is missing or malformed", async () => {
  const env = { ...HOSTED, EXECUTOR_URLS: "http://127.0.0.1:1", DECISION_SIGNING_KEY: signingKey };
  const faults: [Record<string, string>, RegExp][] = [
    [{ EXECUTOR_URLS: "" }, /no Executor is known: set EXECUTOR_URLS as the hub has it/],
    [{ EXECUTOR_URLS: "http://executor.example" }, /EXECUTOR_URLS must be an https:\/\/ address/],
    [{ DECISION_SIGNING_KEY: "" }, /set DECISION_SIGNING_KEY to the hub's/],
    [{ DECISION_SIGNING_KEY: "canary" }, /DECISION_SIGNING_KEY is malformed: it must be 43 characters/],
  ];
  for (const [change, said] of faults) {
    const { code, out, err } = await admin(["server", "status"], { ...env, ...change });
    assertEquals([code, out], [1, ""], err);
    assertMatch(err, said, err);
    assertEquals(err.includes("canary"), false, err);
  }
});

Deno.test("status shows each Executor's health", async () => {
  await using executor = await startExecutor({ hub });
  const well = await admin(["status"], { ...HOSTED, EXECUTOR_URLS: executor.url });
  assertEquals([well.code, well.err], [0, ""]);
  assertMatch(well.out, new RegExp(`^Executor at ${executor.url}\n  ✓ all checks pass$`, "m"));
  const ill = await admin(["status", "--json"], { ...HOSTED, EXECUTOR_URLS: "http://127.0.0.1:1" });
  assertEquals([ill.code, JSON.parse(ill.out).executors.length], [1, 1]);
  assertMatch(ill.err, /there are problems: the Executor at http:\/\/127\.0\.0\.1:1 does not answer/);
});

Deno.test("no command printed a digest, a value, a secret or a server's argument", assertNothingSecretPrinted);

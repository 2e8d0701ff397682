import { assert, assertEquals, assertMatch } from "@std/assert";
import { findCommands } from "key-vault-executor/executor/launch/program.ts";
import { findProcesses, serverOf, subjectOf, until } from "key-vault-executor/executor/testing/make.ts";
import { signDecision } from "shared/decision/decision.ts";
import { importSigningKey } from "shared/decision/decision_keys.ts";
import type { StackFile } from "../data/stack_file.ts";
import { argsFor, readStack, type Running, start, stop, withFolder } from "../testing/start.ts";

const FIXTURE = new URL("../../../key-vault-executor/executor/testing/fixtures/misbehave.mjs", import.meta.url);
const SERVER = serverOf({ args: ["misbehave.mjs"], tool_prefix: "amazon." });

/** Calls a tool, and again while a busy machine's vault takes longer than the Executor waits for it. */
async function callTool(stack: StackFile, organization: number, tool: string, args = {}): Promise<string> {
  const deadline = Date.now() + 60_000;
  while (true) {
    const answer = await callOnce(stack, organization, tool, args);
    if (!answer.includes("vault_unavailable") || Date.now() > deadline) return answer;
  }
}

/** Calls a tool as the hub does, with a decision for a tenant of that organization. */
async function callOnce(stack: StackFile, organization: number, tool: string, args: object): Promise<string> {
  const { id: organization_id, tenants = [] } = stack.organizations[organization] ?? {};
  const subject = { organization_id: organization_id ?? "", tenant_id: tenants[0]?.id ?? "" };
  const params = { name: `amazon.${tool}`, arguments: args };
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params });
  const key = importSigningKey(stack.decision_signing_key);
  assert(key !== undefined);
  const decided = subjectOf({ ...subject, server: SERVER, tool: params.name });
  const token = signDecision(decided, new TextEncoder().encode(body), key);
  const headers = { "authorization": `Bearer ${token}`, "content-type": "application/json" };
  return await (await fetch(`${stack.executor?.url}/mcp`, { method: "POST", headers, body })).text();
}

async function storeCredential(stack: StackFile, service: string, apiKey: string): Promise<void> {
  const response = await fetch(`${stack.key_vault_executor.url}/functions/v1/credentials/store`, {
    method: "POST",
    headers: { "x-api-key": stack.organizations[0]?.tenants[0]?.api_key ?? "", "content-type": "application/json" },
    body: JSON.stringify({ service, credentials: { api_key: apiKey } }),
  });
  assertEquals([response.status, await response.text()].slice(0, 1), [201]);
}

/** The processes of the Executor of this stack, which its port tells from others. */
async function executorProcesses({ args }: Running): Promise<number[]> {
  const port = args[args.indexOf("--executor-port") + 1] ?? "";
  const found = await findProcesses("executor/process.ts");
  const environments = await Promise.all(found.map((id) => Deno.readTextFile(`/proc/${id}/environ`).catch(() => "")));
  return found.filter((_, index) => environments[index]?.includes(`EXECUTOR_PORT=${port}\0`));
}

async function isHealthy({ executor }: StackFile): Promise<boolean> {
  return await fetch(`${executor?.url}/health`).then(async (r) => (await r.json()).ok === true, () => false);
}

/** A folder of programs without bubblewrap, as on a machine that lacks it. */
async function makePath(folder: string): Promise<string> {
  const path = `${folder}/programs`;
  await Deno.mkdir(path);
  for (const [name, target] of await findCommands(["node", "npx", "npm", "deno"], Deno.env.get("PATH") ?? "")) {
    await Deno.symlink(target, `${path}/${name}`);
  }
  return path;
}

Deno.test("the Executor of start", async (t) => {
  await withFolder(async (folder) => {
    const args = argsFor(folder);
    let running = await start(args);
    let stack = await readStack(running);
    const servers = stack.executor?.servers ?? "";
    await Deno.copyFile(FIXTURE, `${servers}/misbehave.mjs`);

    await t.step("runs servers in a sandbox, with the credential of their tenant, for each organization", async () => {
      await storeCredential(stack, "amazon", "wJalrXUtnFEMI-K7MDENG");
      assert(!running.output().includes("WITHOUT a sandbox"), running.output());
      assertMatch(await callTool(stack, 0, "environment"), /AMAZON_API_KEY[^,]*\[redacted AMAZON_API_KEY\]/);
      assert(!(await callTool(stack, 1, "environment")).includes("AMAZON_API_KEY"));
      assert(!running.output().includes("wJalrXUtnFEMI"));
    });

    await t.step("knows no key of the projects", async () => {
      const [id] = await executorProcesses(running);
      const environment = await Deno.readTextFile(`/proc/${id}/environ`);
      const { governance_hub: hub, key_vault_executor: vault } = stack;
      const secrets = [hub.secret_key, vault.secret_key, stack.credential_encryption_key, stack.decision_signing_key];
      for (const secret of [...secrets, stack.kernel_hmac_secret]) {
        assert(!environment.includes(secret), "the environment has a secret");
      }
    });

    await t.step("is back after kill -9, the log tells it, and no server of it is left", async () => {
      const [id] = await executorProcesses(running);
      assert(id !== undefined);
      const before = await findProcesses(servers);
      Deno.kill(id, "SIGKILL");
      await until(async () => await isHealthy(stack) && (await executorProcesses(running)).length === 1);
      assertMatch(running.output(), /"executor":"ended","code":137,"signal":"SIGKILL","starts_again_in_ms":\d+/);
      assertMatch(await callTool(stack, 0, "echo", { value: "back" }), /back/);
      const after = await findProcesses(servers);
      assertEquals(before.filter((process) => after.includes(process)), []);
    });

    await t.step("leaves no process behind when start is killed", async () => {
      assert((await findProcesses(servers)).length > 0);
      await stop(running, "SIGKILL");
      await until(async () => (await executorProcesses(running)).length + (await findProcesses(servers)).length === 0);
    });

    await t.step("runs servers without a sandbox where bubblewrap is missing, and one line says so", async () => {
      running = await start(args, { PATH: await makePath(folder) });
      stack = await readStack(running);
      const said = /^Servers run WITHOUT a sandbox on this machine \(bubblewrap \(bwrap\) is not installed\)/gm;
      assertEquals(running.output().match(said)?.length, 1, running.output());
      const answer = await callTool(stack, 0, "echo", { value: "unsandboxed" });
      assertMatch(answer, /unsandboxed/, running.output());
    });

    await t.step("ends with start, and so do its servers", async () => {
      assert((await findProcesses(servers)).length > 0);
      await stop(running);
      assertEquals([await executorProcesses(running), await findProcesses(servers)], [[], []]);
    });

    await t.step("is left out with --no-executor, and the hub works without it", async () => {
      const without = await start([...args, "--no-executor"]);
      const { executor, governance_hub: { url } } = await readStack(without);
      assertEquals(executor, null);
      const health = await fetch(`${url}/functions/v1/mcp-servers/health`);
      assertEquals([health.status, (await health.json()).ok], [200, true]);
      assertEquals(await executorProcesses(without), []);
      await stop(without);
    });
  });
});

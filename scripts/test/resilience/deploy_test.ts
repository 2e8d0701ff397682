import { assert, assertEquals, assertMatch } from "@std/assert";
import { freePort } from "../../stack/ready.ts";
import { functionNames, type ProjectName } from "../../stack/projects.ts";
import { startStack } from "../../stack/stack.ts";
import { makeStackFolder, removeStackFolder, throwAwayOptions } from "../../stack/throw_away.ts";
import type { StackFile } from "../../stack/data/stack_file.ts";
import { startCluster } from "../support/cluster.ts";
import { startManagementApi } from "./processes/management_api.ts";

const PROJECTS: ProjectName[] = ["governance-hub", "key-vault-executor"];
const REFS = { "governance-hub": "a".repeat(20), "key-vault-executor": "b".repeat(20) };
const ROOT = new URL("../../../", import.meta.url).pathname;
/** The version that the platform's edge runtime is built on. */
const EDGE_DENO = "deno@2.1.4";

const tools = await Deno.makeTempDir();
await run("npm", ["install", "--silent", "--no-audit", "--no-fund", "--prefix", `${tools}/cli`, "supabase@3.1.0"]);
await run("npm", ["install", "--silent", "--no-audit", "--no-fund", "--prefix", `${tools}/edge`, EDGE_DENO]);
const CLI = `${tools}/cli/node_modules/.bin/supabase`;
Deno.test.afterAll(() => Deno.remove(tools, { recursive: true }));

interface DeployOutcome {
  code: number;
  text: string;
}

async function attempt(
  program: string,
  args: string[],
  cwd = ROOT,
  env: Record<string, string> = {},
): Promise<DeployOutcome> {
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args,
    cwd,
    env: { SUPABASE_TELEMETRY_DISABLED: "1", SUPABASE_ACCESS_TOKEN: `sbp_${"0".repeat(40)}`, NO_COLOR: "1", ...env },
    stdin: "null",
  }).output();
  return { code, text: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
}

async function run(program: string, args: string[], cwd?: string, env?: Record<string, string>): Promise<string> {
  const { code, text } = await attempt(program, args, cwd, env);
  assertEquals(code, 0, text);
  return text;
}

for (const project of PROJECTS) {
  Deno.test(`supabase db push migrates an empty ${project}, does nothing the second time, and accepts existing roles`, async () => {
    const cluster = await startCluster();
    try {
      for (const database of [await cluster.createDatabase(), await cluster.createDatabase()]) {
        const remote = `--remote=${cluster.url("postgres", database)}?sslmode=disable`;
        const push = () => run(CLI, ["db", "push", "--yes", remote], ROOT + project);
        assertMatch(await push(), /Applying migration 2026\d+_/, project);
        assertMatch(await push(), /up to date/, project);
        const advisors = ["db", "advisors", "--level=warn", "--fail-on=warn", remote];
        assertMatch(await run(CLI, advisors, ROOT + project), /No issues found/, project);
      }
    } finally {
      await cluster.stop();
    }
  });
}

Deno.test("deploy sends one file per function and only the named secrets, and the uploaded files pass the end-to-end suite on Deno 2.1.4", async () => {
  const folder = await makeStackFolder();
  const api = await startManagementApi(folder);
  const stack = await startStack(throwAwayOptions("postgres", folder));
  const edges: Deno.ChildProcess[] = [];
  try {
    const ports = { "governance-hub": freePort(), "key-vault-executor": freePort() };
    const secrets = secretsFor(stack.file, ports);
    for (const project of PROJECTS) {
      const lines = Object.entries(secrets[project]).map(([name, value]) => `${name}=${value}`);
      await Deno.writeTextFile(`${folder}/${project}.env`, lines.join("\n") + "\n");
      edges.push(startEdge(`${folder}/${REFS[project]}`, ports[project], stack.file, project, secrets[project]));
    }
    const deployed = await run(Deno.execPath(), ["run", "-A", "--cached-only", "scripts/deploy/main.ts"], ROOT, {
      SUPABASE_CLI: `${CLI} --profile ${api.profile}`,
      HUB_PROJECT_REF: REFS["governance-hub"],
      HUB_URL: `http://127.0.0.1:${ports["governance-hub"]}`,
      HUB_DATABASE_URL: `${stack.file.governance_hub.database_url}?sslmode=disable`,
      HUB_ENV_FILE: `${folder}/governance-hub.env`,
      VAULT_PROJECT_REF: REFS["key-vault-executor"],
      VAULT_URL: `http://127.0.0.1:${ports["key-vault-executor"]}`,
      VAULT_DATABASE_URL: `${stack.file.key_vault_executor.database_url}?sslmode=disable`,
      VAULT_ENV_FILE: `${folder}/key-vault-executor.env`,
    });
    assertMatch(deployed, /Deployed\.\n/);
    for (const [name, value] of Object.entries(secrets["key-vault-executor"])) {
      assert(name === "REPO_B_URL" || !deployed.includes(value), `${name} was shown`);
    }
    for (const project of PROJECTS) {
      const uploads = api.uploads.filter((upload) => upload.project === REFS[project]);
      assertEquals(uploads.map(({ slug }) => slug).sort(), (await functionNames(project)).sort(), project);
      for (const { slug, files, metadata } of uploads) {
        assertEquals([files, metadata.verify_jwt], [[`supabase/dist/${slug}.js`], false], slug);
      }
      assertEquals(api.secrets.get(REFS[project]), secrets[project], project);
    }

    const stackFile = `${folder}/edge_stack.json`;
    await Deno.writeTextFile(
      stackFile,
      JSON.stringify({
        ...stack.file,
        gateway: { url: `http://127.0.0.1:${ports["governance-hub"]}/functions/v1/mcp` },
        governance_hub: { ...stack.file.governance_hub, url: `http://127.0.0.1:${ports["governance-hub"]}` },
        key_vault_executor: {
          ...stack.file.key_vault_executor,
          url: `http://127.0.0.1:${ports["key-vault-executor"]}`,
        },
      }),
    );
    const args = ["test", "-A", "--no-check", "governance-hub/tests", "key-vault-executor/tests"];
    assertMatch(
      await run(Deno.execPath(), args, ROOT, { STACK_FILE: stackFile }),
      /ok \| \d{3,} passed( \(\d+ steps\))? \| 0 failed/,
    );

    for (const project of PROJECTS) {
      for (const name of await functionNames(project)) {
        api.uploads.length = 0;
        const command = ["functions", "deploy", name, `--remote=${REFS[project]}`, "--yes", "--profile", api.profile];
        await run(CLI, command, ROOT + project);
        assertEquals(api.uploads.map(({ slug, files }) => [slug, files]), [[name, [`supabase/dist/${name}.js`]]], name);
      }
    }
  } finally {
    for (const edge of edges) {
      edge.kill("SIGTERM");
      await edge.status;
    }
    await stack.stop();
    await api.stop();
    await removeStackFolder(folder);
  }
});

Deno.test("the types of both databases match their migrations", async () => {
  await run(Deno.execPath(), ["run", "-A", "--cached-only", "scripts/deploy/types.ts", "--check"], ROOT, {
    SUPABASE_CLI: CLI,
  });
});

Deno.test("deploy stops at the first failure, and says how to continue", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const hub = `${folder}/hub.env`;
    await Deno.writeTextFile(hub, `KERNEL_HMAC_SECRET=${"ab".repeat(32)}\n`);
    const args = ["run", "-A", "--cached-only", "scripts/deploy/main.ts", "--project", "hub"];
    const env = { HUB_ENV_FILE: hub, HUB_PROJECT_REF: REFS["governance-hub"], SUPABASE_CLI: "false" };
    const failed = await attempt(Deno.execPath(), args, ROOT, env);
    assertEquals(failed.code, 1);
    assertMatch(
      failed.text,
      /error: hub:db failed; fix it, then continue with: deno task deploy --project hub --from hub:db\n$/,
    );
    await Deno.writeTextFile(hub, "KERNEL_HMAC_SECRET=abc\n");
    const faulty = await attempt(Deno.execPath(), args, ROOT, env);
    assertMatch(faulty.text, /✗ KERNEL_HMAC_SECRET is malformed: it must be/);
    assertEquals([faulty.code, faulty.text.includes("[2/6]")], [1, false]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

function secretsFor(
  file: StackFile,
  ports: Record<ProjectName, number>,
): Record<ProjectName, Record<string, string>> {
  const { kernel_hmac_secret: KERNEL_HMAC_SECRET, credential_encryption_key, executor } = file;
  assert(executor !== null, "the stack has no Executor");
  return {
    "governance-hub": {
      KERNEL_HMAC_SECRET,
      DECISION_SIGNING_KEY: file.decision_signing_key,
      EXECUTOR_URLS: executor.url,
      VAULT_URL: `http://127.0.0.1:${ports["key-vault-executor"]}`,
    },
    "key-vault-executor": {
      KERNEL_HMAC_SECRET,
      DECISION_VERIFY_KEYS: file.decision_verify_keys,
      REPO_B_URL: `http://127.0.0.1:${ports["governance-hub"]}`,
      REPO_B_ANON_KEY: file.governance_hub.publishable_key,
      REPO_B_SERVICE_KEY: file.governance_hub.secret_key,
      CREDENTIAL_ENCRYPTION_KEY: credential_encryption_key,
    },
  };
}

/** Serves the uploaded files on the platform's version of Deno, with the platform's variables and the secrets. */
function startEdge(
  uploaded: string,
  port: number,
  file: StackFile,
  project: ProjectName,
  secrets: Record<string, string>,
): Deno.ChildProcess {
  const { url, secret_key } = project === "governance-hub" ? file.governance_hub : file.key_vault_executor;
  return new Deno.Command(`${tools}/edge/node_modules/deno/deno`, {
    args: [
      "run",
      "-A",
      "--no-remote",
      "--no-npm",
      "--no-config",
      new URL("processes/edge_server.js", import.meta.url).pathname,
    ],
    env: {
      PATH: Deno.env.get("PATH") ?? "",
      HOME: Deno.env.get("HOME") ?? "",
      PORT: `${port}`,
      UPLOADED: uploaded,
      SUPABASE_URL: url,
      SUPABASE_SECRET_KEYS: JSON.stringify({ default: secret_key }),
      ...secrets,
    },
    clearEnv: true,
    stdin: "null",
    stdout: "null",
  }).spawn();
}

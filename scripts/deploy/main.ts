// deno-lint-ignore-file no-console -- a program for a terminal
/** `deno task deploy`: deploys a clone to two live Supabase projects, step by step, with the supabase CLI. */

import { requireHealth } from "../admin/client/executor.ts";
import { readExecutorUrls } from "../admin/client/connection/target.ts";
import { build } from "./build.ts";
import { addProjectOption, printReport, type ProjectOption, readEnvFile, readProjects } from "./check_config.ts";
import { newProgram, runProgram, UsageError } from "../cli/program.ts";
import { visible } from "../cli/visible.ts";
import { smokeTest } from "./smoke.ts";
import { CliError, printError } from "../cli/error.ts";
import type { ProjectName } from "../stack/projects.ts";
import { supabaseCli } from "./supabase_cli.ts";

const HELP = `
Steps: check-config, build, then for each project: db, secrets, functions, smoke (as hub:db, vault:smoke …), then
executors: whether each Executor of the hub's EXECUTOR_URLS answers. Executors are not deployed: see scripts/README.md.

Before you start:
  - Create two projects on Supabase, and log in with \`supabase login\` or SUPABASE_ACCESS_TOKEN.
  - Write their secrets to governance-hub/.env and key-vault-executor/.env, which git ignores. deno task check-config
    lists the variables. To use other files, set HUB_ENV_FILE and VAULT_ENV_FILE.
  - Set HUB_PROJECT_REF and VAULT_PROJECT_REF. Or link each project with \`supabase link\`, and set HUB_URL and
    VAULT_URL to their addresses.

To migrate other databases than the projects' own, set HUB_DATABASE_URL and VAULT_DATABASE_URL.
To run another CLI, set SUPABASE_CLI (default: npx --yes supabase@3.1.0).`;

interface DeployOptions {
  project?: ProjectOption;
  from?: string;
  dryRun?: boolean;
}

interface DeployStep {
  name: string;
  /** What the step does, as shown to the user: the command line if it runs a command. */
  shown: string;
  run(): Promise<void>;
}

async function deploy({ project, from, dryRun }: DeployOptions): Promise<void> {
  const projects = readProjects(project);
  const steps = [checkStep(projects), buildStep(), ...projects.flatMap(projectSteps), ...executorSteps(projects)];
  const first = from === undefined ? 0 : steps.findIndex(({ name }) => name === from);
  if (first < 0) throw new UsageError(`--from must be one of ${steps.map(({ name }) => name).join(", ")}`);
  for (const [index, { name, shown, run }] of steps.entries()) {
    if (index < first) continue;
    console.log(`\n[${index + 1}/${steps.length}] ${name}: ${visible(shown)}`);
    if (dryRun) continue;
    await run().catch((error) => {
      printError(error);
      const option = project === undefined ? "" : ` --project ${project}`;
      throw new CliError(`${name} failed; fix it, then continue with: deno task deploy${option} --from ${name}`);
    });
  }
  console.log(dryRun ? "\nNothing was changed." : "\nDeployed.");
}

function checkStep(projects: ProjectName[]): DeployStep {
  return {
    name: "check-config",
    shown: projects.map(envFile).join(", "),
    async run() {
      let isFaulty = false;
      for (const project of projects) {
        const lookup = await readEnvFile(envFile(project));
        isFaulty = printReport(project, lookup) || isFaulty;
      }
      if (isFaulty) throw new CliError("a variable is missing or malformed; see the lines marked ✗");
    },
  };
}

function buildStep(): DeployStep {
  return {
    name: "build",
    shown: "bundle every function",
    run: async () => void await build(({ name, bytes }) => console.log(`  ${name}  ${bytes} bytes`)),
  };
}

function projectSteps(project: ProjectName): DeployStep[] {
  const short = shortName(project);
  const ref = variable(project, "PROJECT_REF");
  const remote = ref === undefined ? [] : [`--remote=${ref}`];
  const url = variable(project, "URL") ?? (ref && `https://${ref}.supabase.co`);
  const databaseUrl = variable(project, "DATABASE_URL");
  const push = databaseUrl === undefined ? (ref === undefined ? ["--remote"] : remote) : [`--remote=${databaseUrl}`];
  return [
    cliStep(`${short}:db`, project, ["db", "push", ...push]),
    cliStep(`${short}:secrets`, project, ["secrets", "set", "--env-file", envFile(project), ...remote]),
    cliStep(`${short}:functions`, project, ["functions", "deploy", "--use-api", ...remote]),
    {
      name: `${short}:smoke`,
      shown: `both URL forms of each endpoint at ${url ?? "(unknown)"}`,
      async run() {
        if (url === undefined) {
          throw new CliError(`set ${short.toUpperCase()}_PROJECT_REF or ${short.toUpperCase()}_URL`);
        }
        for (const line of await smokeTest(project, url)) console.log(`  ${visible(line)}`);
      },
    },
  ];
}

function executorSteps(projects: ProjectName[]): DeployStep[] {
  if (!projects.includes("governance-hub")) return [];
  return [{
    name: "executors",
    shown: "the health of each Executor of EXECUTOR_URLS",
    async run() {
      const lookup = await readEnvFile(envFile("governance-hub"));
      const urls = readExecutorUrls(lookup("EXECUTOR_URLS")?.trim() || undefined) ?? [];
      if (urls.length === 0) console.log("  the hub has no EXECUTOR_URLS: registered servers are not called");
      for (const url of urls) {
        await requireHealth(url);
        console.log(`  GET ${visible(url)}/health 200`);
      }
    },
  }];
}

function cliStep(name: string, project: ProjectName, args: string[]): DeployStep {
  const { program, args: before } = supabaseCli();
  // Hides the password of a database's address.
  const shown = ["supabase", ...args].join(" ").replace(/(:\/\/[^:@\s]+:)[^@\s]+@/, "$1…@");
  return {
    name,
    shown: `(in ${project}) ${shown}`,
    async run() {
      const { code } = await new Deno.Command(program, {
        args: [...before, ...args, "--yes"],
        cwd: new URL(`../../${project}/`, import.meta.url),
        stdin: "null",
      }).spawn().status;
      if (code !== 0) throw new CliError(`the supabase CLI ended with ${code}`);
    },
  };
}

function envFile(project: ProjectName): string {
  return variable(project, "ENV_FILE") ?? new URL(`../../${project}/.env`, import.meta.url).pathname;
}

/** The environment's HUB_… or VAULT_… variable. */
function variable(project: ProjectName, name: string): string | undefined {
  return Deno.env.get(`${shortName(project).toUpperCase()}_${name}`);
}

function shortName(project: ProjectName): string {
  return project === "governance-hub" ? "hub" : "vault";
}

if (import.meta.main) {
  const description =
    "Deploys both projects: the hub before the vault, and each project's migrations before its functions.";
  await runProgram(
    addProjectOption(newProgram("deploy", description))
      .option("--from <step>", "continue at this step after a failure")
      .option("--dry-run", "show the steps and their commands without running them")
      .addHelpText("after", HELP)
      .action(deploy),
  );
}

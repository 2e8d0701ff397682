// deno-lint-ignore-file no-console -- progress goes to standard error
/** `package add|list|remove`: the packages that an Executor on this machine may run. */

import { resolve } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { packageStores } from "key-vault-executor/executor/launch/packages/stores.ts";
import {
  type PackageSpec,
  type PackageStore,
  parsePackage,
} from "key-vault-executor/executor/launch/packages/packages.ts";
import { findCommands } from "key-vault-executor/executor/launch/program.ts";
import { parsePythonPackage } from "key-vault-executor/executor/launch/packages/python.ts";
import { ToolCallError } from "key-vault-executor/executor/tool_call_error.ts";
import { CliError } from "../../../cli/error.ts";
import { UsageError } from "../../../cli/program.ts";
import { print, table } from "../../../cli/output.ts";
import { addGroup, example, readJsonOption } from "../../command.ts";
import { explainFailure } from "../../packages/failure.ts";
import { findUsers } from "../../packages/users.ts";

interface PackageOptions {
  folder?: string;
  python?: boolean;
  force?: boolean;
}

const DEFAULT_FOLDER = ".local/packages";
const TELL_MS = 5000;

export function addPackageCommands(program: Command): void {
  const group = addGroup(program, "package", "packages that an Executor on this machine may run");
  addStoreOptions(group.command("add").description("install a package without its scripts, and pin its version"))
    .argument("<name@version>", "such as @scope/name@1.2.3; without a version, the newest one is pinned")
    .addHelpText("after", example("package add @modelcontextprotocol/server-everything@2026.8.31"))
    .action((text: string, options: PackageOptions, command: Command) => add(text, options, command));
  addFolderOption(
    group.command("list").description("list the packages, their pinned versions, and what a first use installed"),
  )
    .addHelpText("after", example("package list"))
    .action((options: PackageOptions, command: Command) => list(options, command));
  addStoreOptions(group.command("remove").description("remove a package with all its versions"))
    .argument("<name>", "as the list shows it")
    .option("--force", "also while servers run from it: they may fail, since programs load files late")
    .addHelpText("after", example("package remove @modelcontextprotocol/server-everything"))
    .action((name: string, options: PackageOptions, command: Command) => remove(name, options, command));
}

function addFolderOption(command: Command): Command {
  const name = `the Executor's folder of packages (default: EXECUTOR_PACKAGES, or ${DEFAULT_FOLDER})`;
  return command.option("--folder <folder>", name, readFolder);
}

function addStoreOptions(command: Command): Command {
  return addFolderOption(command).option("--python", "a package of Python, which uvx runs, instead of one of npm");
}

function readFolder(text: string): string {
  if (text.trim() === "") throw new InvalidArgumentError("It must be a folder.");
  return text;
}

async function add(text: string, options: PackageOptions, command: Command): Promise<void> {
  const spec = readSpec(text, options);
  const store = await openStore(options);
  // Servers run as another user, who must be able to read.
  Deno.umask(0o022);
  const { before, pinned } = await install(store, spec, text);
  const { name } = spec;
  const replaced = before?.version === pinned.version ? null : before?.version ?? null;
  const was = replaced === null ? "" : ` (before: ${replaced}, which stays installed)`;
  const isKnown = before?.pinned === true && before.version === pinned.version;
  print(readJsonOption(command), { name, ...pinned, replaced, folder: store.homeOf(name) }, [
    isKnown ? `${name}@${pinned.version} was pinned before` : `Installed and pinned ${name}@${pinned.version}${was}`,
    `integrity ${pinned.integrity}`,
    ...(replaced === null ? [] : [`Servers that run go on with their version until they end.`]),
  ]);
}

function readSpec(text: string, { python }: PackageOptions): PackageSpec {
  const spec = python ? parsePythonPackage(text) : parsePackage(text);
  if (spec !== undefined) return spec;
  const form = python ? "name or name@1.2.3" : "name, @scope/name or @scope/name@1.2.3";
  throw new UsageError(
    `the package must be ${form}: no range, no tag, no address (see deno task admin package --help)`,
  );
}

/** The folder is made if it is not there. */
async function openStore(
  { folder = Deno.env.get("EXECUTOR_PACKAGES")?.trim() || DEFAULT_FOLDER, python }: PackageOptions,
) {
  const commands = await findCommands(["uvx", "python3"], Deno.env.get("PATH") ?? "");
  const stores = packageStores(resolve(folder), commands);
  return python ? stores.pythonPackages : stores.packages;
}

/** @returns what was there, and the new pin. */
async function install(store: PackageStore, spec: PackageSpec, text: string) {
  const begun = performance.now();
  console.error(`installing ${text} into ${store.folder} …`);
  const timer = setInterval(() => {
    console.error(`still installing (${Math.round((performance.now() - begun) / 1000)} s) …`);
  }, TELL_MS);
  try {
    return { before: await store.get(spec.name), pinned: await store.add(spec) };
  } catch (error) {
    if (error instanceof ToolCallError) throw new CliError(explainFailure(spec, error));
    if (error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotADirectory) {
      throw new CliError(`the folder ${store.folder} cannot be used: ${error.message}`);
    }
    throw error;
  } finally {
    clearInterval(timer);
  }
}

async function list(options: PackageOptions, command: Command): Promise<void> {
  const kinds = await Promise.all([{ python: false }, { python: true }].map(async ({ python }) => {
    const packages = await (await openStore({ ...options, python })).list();
    return packages.map((each) => ({ ...each, kind: python ? "python" : "npm" }));
  }));
  const packages = kinds.flat();
  const rows = packages.map(({ name, kind, version, pinned, versions, integrity }) => [
    name,
    kind,
    pinned ? version ?? "" : version === null ? "unpinned" : `${version} (unpinned)`,
    versions.filter((each) => each !== version).join(" ") || "–",
    integrity ?? "–",
  ]);
  const headings = ["PACKAGE", "KIND", "PINNED", "OTHER VERSIONS", "INTEGRITY"];
  print(readJsonOption(command), { packages }, table(headings, rows, "There are no packages."));
}

async function remove(name: string, options: PackageOptions, command: Command): Promise<void> {
  const store = await openStore(options);
  const stored = await store.get(options.python ? parsePythonPackage(name)?.name ?? name : name);
  if (stored === undefined) {
    throw new CliError(`there is no package ${JSON.stringify(name)}; deno task admin package list shows them`);
  }
  const users = await findUsers(store.homeOf(stored.name));
  if (users.length > 0 && options.force !== true) {
    const processes = users.length === 1
      ? "1 process of this machine uses"
      : `${users.length} processes of this machine use`;
    const hint = "disable its servers, or use --force";
    throw new CliError(
      `nothing was removed: ${processes} ${stored.name} (${users.join(", ")}): ${hint}`,
    );
  }
  await store.remove(stored.name);
  const note = "Servers that are registered with it fail from now on, until it is added again.";
  print(readJsonOption(command), { name: stored.name, removed: stored.versions, processes: users }, [
    `Removed ${stored.name}: ${stored.versions.join(", ")}`,
    note,
  ]);
}

/** From a registered command to a program of this machine: an allowed interpreter, and a package or a script of the operator's. */

import { dirname, isAbsolute, join } from "node:path";
import { ToolCallError } from "../tool_call_error.ts";
import { type PackageStore, parsePackage } from "./packages/packages.ts";
import { parsePythonPackage } from "./packages/python.ts";

/** What a server may be started with, unless the operator says otherwise. */
export const DEFAULT_COMMANDS = ["node", "npx", "deno", "python3", "uvx"] as const;

/** A console script of a Python package. */
const CONSOLE_SCRIPT = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

const SCRIPT = /\.(?:[cm]?[jt]s|py)$/;

/** Options of `deno run` that are about its own permissions: the sandbox is what limits a server. */
const DENO_OPTIONS = /^(?:-A|--allow-[a-z]+(?:=.*)?|--no-prompt)$/;

export interface Program {
  /** An absolute path. */
  command: string;
  args: string[];
  /** Folders and files that it needs, beside the system's. */
  reads: string[];
  /** Where it starts; absent: in its own temporary folder. */
  folder?: string | undefined;
  /** The package or the script, as an operator's policy names it. */
  name: string;
}

export interface Programs {
  /** From the name of an allowed command to its absolute path. */
  commands: ReadonlyMap<string, string>;
  packages: PackageStore;
  pythonPackages: PackageStore;
  /** The operator's folder of scripts. Without it there are no scripts. */
  scripts?: string | undefined;
}

/** @throws {ToolCallError} if the command is not allowed, or what it should run is not there. */
export async function findProgram(programs: Programs, command: string, args: readonly string[]): Promise<Program> {
  const path = programs.commands.get(command);
  if (path === undefined) {
    const allowed = [...programs.commands.keys()].sort().join(", ");
    const message = `the command must be one of: ${allowed}; the operator of the Executor can install and allow others`;
    throw new ToolCallError("command_not_allowed", message);
  }
  switch (command) {
    case "npx":
      return await findPackage(programs, withoutOption(args, ["-y", "--yes"]));
    case "uvx":
      return await findPythonPackage(programs, args);
    case "node":
      return SCRIPT.test(args[0] ?? "")
        ? await findScript(programs, path, [], args)
        : await findPackage(programs, args);
    case "deno":
      return await findDenoScript(programs, path, withoutOption(args, ["run"]));
    default:
      return await findScript(programs, path, [], args);
  }
}

async function findPackage(programs: Programs, args: readonly string[]): Promise<Program> {
  const [text = "", ...rest] = args;
  const node = programs.commands.get("node");
  const spec = parsePackage(text);
  if (node === undefined) {
    throw new ToolCallError("command_not_allowed", "packages run with node, which is not allowed here");
  }
  if (spec === undefined) {
    const message =
      "the first argument must be a package, such as @scope/name or @scope/name@1.2.3, or a script's name";
    throw new ToolCallError("program_not_found", message);
  }
  const { folder, entry } = await programs.packages.find(spec);
  return { command: node, args: [entry, ...rest], reads: [...homeOf(node), folder], name: spec.name };
}

/** `uvx name`, or `uvx --from name script` where the package's script has another name. */
async function findPythonPackage(programs: Programs, args: readonly string[]): Promise<Program> {
  const python = programs.commands.get("python3");
  if (python === undefined) {
    throw new ToolCallError("command_not_allowed", "Python packages run with python3, which is not allowed here");
  }
  const [text = "", ...others] = withoutOption(args, ["--from"]);
  const spec = parsePythonPackage(text);
  const [script = "", ...rest] = args[0] === "--from" ? others : [spec?.name ?? "", ...others];
  if (spec === undefined || !CONSOLE_SCRIPT.test(script)) {
    const message =
      "the arguments must be a package, such as name or name@1.2.3, or --from, a package and the name of its script";
    throw new ToolCallError("program_not_found", message);
  }
  const { folder, entry } = await programs.pythonPackages.find(spec);
  const reads = [...homeOf(python), folder];
  // Isolated: nothing of the user's own packages, and no variable that changes what Python loads.
  return { command: python, args: ["-I", entry, script, ...rest], reads, name: spec.name };
}

async function findDenoScript(programs: Programs, deno: string, args: readonly string[]): Promise<Program> {
  const index = args.findIndex((argument) => !DENO_OPTIONS.test(argument));
  const options = args.slice(0, Math.max(index, 0));
  return await findScript(programs, deno, ["run", "--no-prompt", ...options], args.slice(options.length));
}

/** A script is a file below the operator's folder, wherever links lead. No option comes before it: `-e` is a program too. */
async function findScript(
  { scripts }: Programs,
  command: string,
  options: string[],
  args: readonly string[],
): Promise<Program> {
  const [name = "", ...rest] = args;
  const root = scripts === undefined ? undefined : await realPath(scripts);
  if (root === undefined) {
    throw new ToolCallError("program_not_found", "this Executor has no folder of scripts: use a package");
  }
  const isName = SCRIPT.test(name) && !name.startsWith("-") && !isAbsolute(name);
  const path = isName ? await realPath(join(root, name)) : undefined;
  if (path === undefined || !path.startsWith(`${root}/`)) {
    const message = "the first argument must be the name of a script in the Executor's folder of servers: " +
      "ask the operator of the Executor to put it there";
    throw new ToolCallError("program_not_found", message);
  }
  const reads = [...homeOf(command), root];
  return { command, args: [...options, path, ...rest], reads, folder: root, name: path.slice(root.length + 1) };
}

function withoutOption(args: readonly string[], options: string[]): readonly string[] {
  return options.includes(args[0] ?? "") ? args.slice(1) : args;
}

/** What an interpreter outside the system's folders needs: `<prefix>/bin/python3` has its library at `<prefix>/lib`. */
export function homeOf(command: string): string[] {
  if (command.startsWith("/usr/")) return [];
  const prefix = dirname(dirname(command));
  // `~/bin/node` must not show a home.
  const isOwnFolder = dirname(command).endsWith("/bin") && prefix.split("/").length > 3;
  return [isOwnFolder ? prefix : command];
}

async function realPath(path: string): Promise<string | undefined> {
  return await Deno.realPath(path).catch(() => undefined);
}

/** The allowed commands that are installed. A name may come with its path: `python3=/opt/python/bin/python3`. */
export async function findCommands(names: readonly string[], path: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const entry of names) {
    const [name = "", given] = entry.split("=", 2);
    const candidates = given === undefined ? path.split(":").map((folder) => join(folder, name)) : [given];
    for (const candidate of candidates) {
      const real = await realPath(candidate);
      if (real === undefined || !(await Deno.stat(real)).isFile) continue;
      found.set(name, real);
      break;
    }
  }
  return found;
}

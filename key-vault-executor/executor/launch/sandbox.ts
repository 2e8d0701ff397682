/**
 * What a server's program may see and use, by bubblewrap and prlimit: the system's folders and its own read-only, a private
 * /tmp, only its own processes, and no network unless the operator allows it.
 *
 * Whatever ends the sandbox ends every process in it, an Executor that is killed too. Without a sandbox less is promised: a
 * process that left its server's group outlives it, and when the Executor is killed a server ends only if it heeds that its
 * input has ended.
 */

import type { Launch } from "../processes/child_transport.ts";
import type { Program } from "./program.ts";

/** In bytes, except the numbers of processes and files. */
export interface Limits {
  /** Of each process. Deno reserves over half a gigabyte before it runs anything. */
  memory: number;
  /** Of all of a server's processes and threads together. Without a sandbox there is no such limit. */
  processes: number;
  files: number;
  /** Of /tmp, and of /dev/shm. They are in memory. */
  temporary: number;
}

export const DEFAULT_LIMITS: Limits = { memory: 2 ** 30, processes: 64, files: 1024, temporary: 64 * 2 ** 20 };

export interface SandboxOptions {
  /** bubblewrap's path; absent: no sandbox. */
  bubblewrap?: string | undefined;
  /** prlimit's path; absent: no limits. */
  prlimit?: string | undefined;
  limits: Limits;
  /** The user that runs servers, where the Executor may choose. */
  userId?: number | undefined;
  /** Packages and scripts that reach the network of the host, or `*`. */
  network: readonly string[];
}

/** On most systems links into /usr, on some folders. */
const SYSTEM_LINKS = ["/bin", "/sbin", "/lib", "/lib32", "/lib64"];

/** What programs need of /etc: how to load libraries, whom to trust, what time it is. No user, no host's secret. */
const SYSTEM_FILES = [
  "/etc/ld.so.cache",
  "/etc/ssl",
  "/etc/ca-certificates",
  "/etc/pki/tls/certs",
  "/etc/alternatives",
  "/etc/localtime",
  "/etc/mime.types",
];
const NETWORK_FILES = ["/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/services"];

/** Nobody's, on the host and inside. */
export const NOBODY = 65534;

/** How to start a program with these variables: they are in its environment, never in the arguments. */
export function launch(options: SandboxOptions, program: Program, variables: Record<string, string>): Launch {
  const { bubblewrap, userId } = options;
  const limited = [...limitArguments(options), program.command, ...program.args];
  const environment = { ...baseEnvironment(program), ...variables };
  if (bubblewrap === undefined) {
    const [command = program.command, ...args] = limited;
    return { command, args, environment, userId, folder: program.folder ?? "/tmp" };
  }
  return {
    command: bubblewrap,
    args: [...wrapping(options, program), "--", ...limited],
    environment,
    userId,
    folder: "/",
  };
}

function baseEnvironment({ command }: Program): Record<string, string> {
  const folder = command.slice(0, command.lastIndexOf("/"));
  const path = [...new Set([folder, "/usr/local/bin", "/usr/bin", "/bin"])].join(":");
  return { PATH: path, HOME: "/tmp", TMPDIR: "/tmp", USER: "server", LANG: "C.UTF-8" };
}

function limitArguments({ bubblewrap, prlimit, limits }: SandboxOptions): string[] {
  if (prlimit === undefined) return [];
  const { memory, processes, files } = limits;
  // Only inside a sandbox does this count the processes of one server. Outside, it would count all of the user's.
  const ofServer = bubblewrap === undefined ? [] : [`--nproc=${processes}`];
  return [prlimit, `--data=${memory}`, ...ofServer, `--nofile=${files}`, "--core=0", "--"];
}

function wrapping(options: SandboxOptions, program: Program): string[] {
  const isOnline = options.network.includes("*") || options.network.includes(program.name);
  const temporary = String(options.limits.temporary);
  const readOnly = (path: string) => ["--ro-bind-try", path, path];
  return [
    ...["--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent", "--hostname", "server"],
    ...["--uid", String(NOBODY), "--gid", String(NOBODY), "--cap-drop", "ALL"],
    ...(isOnline ? ["--share-net"] : []),
    ...["--ro-bind", "/usr", "/usr"],
    ...SYSTEM_LINKS.flatMap(systemFolder),
    ...[...SYSTEM_FILES, ...(isOnline ? NETWORK_FILES : [])].flatMap(readOnly),
    ...["--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev"],
    ...["--size", temporary, "--tmpfs", "/dev/shm", "--size", temporary, "--tmpfs", "/tmp"],
    // Behind /tmp: they may be in the host's.
    ...program.reads.flatMap((path) => ["--ro-bind", path, path]),
    ...["--remount-ro", "/", "--chdir", program.folder ?? "/tmp"],
  ];
}

function systemFolder(path: string): string[] {
  try {
    const target = Deno.lstatSync(path).isSymlink ? Deno.readLinkSync(path) : undefined;
    return target === undefined ? ["--ro-bind", path, path] : ["--symlink", target, path];
  } catch {
    return [];
  }
}

/**
 * Why servers cannot be sandboxed on this machine, or cannot be shown these folders, or undefined if they can: tried, not
 * guessed.
 */
export async function findSandboxFault(options: SandboxOptions, reads: string[] = []): Promise<string | undefined> {
  if (options.bubblewrap === undefined) return "bubblewrap (bwrap) is not installed";
  if (options.prlimit === undefined) return "prlimit, of util-linux, is not installed";
  const program: Program = { command: "/usr/bin/true", args: [], reads, name: "" };
  const { command, args, environment, userId } = launch(options, program, {});
  const user = userId === undefined ? {} : { uid: userId, gid: userId };
  const { success, stderr } = await new Deno.Command(command, {
    args,
    clearEnv: true,
    env: environment,
    cwd: "/",
    stdin: "null",
    stdout: "null",
    ...user,
  }).output();
  if (success) return undefined;
  const said = new TextDecoder().decode(stderr).trim().split("\n").at(-1) ?? "";
  return `bubblewrap does not work here: ${said.slice(0, 300)}`;
}

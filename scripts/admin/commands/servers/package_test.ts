import { assert, assertEquals, assertMatch } from "@std/assert";
import { packageStores } from "key-vault-executor/executor/launch/packages/stores.ts";
import { makeFolder } from "key-vault-executor/executor/testing/make.ts";

const ADMIN = new URL("../../main.ts", import.meta.url).pathname;
/** Tiny, with two versions and one dependency. */
const NAME = "is-odd";
const [OLD, NEW] = ["3.0.0", "3.0.1"];

function command(words: string[], env: Record<string, string> = {}): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--cached-only", ADMIN, "package", ...words],
    env: { NO_COLOR: "1", EXECUTOR_PACKAGES: "", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

async function admin(words: string[], env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await command(words, env).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

async function withFolder(test: (folder: string, env: Record<string, string>) => Promise<void>) {
  const folder = await makeFolder();
  await test(folder, { EXECUTOR_PACKAGES: folder });
  await Deno.remove(folder, { recursive: true });
}

Deno.test("package add installs and pins, list shows it, remove removes it", async () => {
  await withFolder(async (folder, env) => {
    const added = await admin(["add", `${NAME}@${OLD}`], env);
    assertEquals(added.code, 0, added.err);
    assertMatch(added.out, /^Installed and pinned is-odd@3\.0\.0\nintegrity sha512-[A-Za-z0-9+/=]+\n$/);
    assertMatch(added.err, /^installing is-odd@3\.0\.0 into .* …\n/);
    assertEquals((await Deno.stat(`${folder}/${NAME}/${OLD}/node_modules/${NAME}/package.json`)).isFile, true);

    const resolved = JSON.parse((await admin(["add", NAME, "--json"], env)).out);
    assertEquals([resolved.version, resolved.replaced, resolved.folder], [NEW, OLD, `${folder}/${NAME}`]);
    assertMatch((await admin(["add", `${NAME}@${NEW}`], env)).out, /^is-odd@3\.0\.1 was pinned before\n/);

    const { packages } = JSON.parse((await admin(["list", "--json", "--folder", folder])).out);
    const { integrity } = resolved;
    assertEquals(packages, [{ name: NAME, version: NEW, integrity, pinned: true, versions: [OLD, NEW], kind: "npm" }]);
    assertMatch((await admin(["list"], env)).out, /^PACKAGE .*\nis-odd +npm +3\.0\.1 +3\.0\.0 +sha512-/);

    assertMatch((await admin(["remove", NAME], env)).out, /^Removed is-odd: 3\.0\.0, 3\.0\.1\nServers that are reg/);
    assertEquals((await admin(["list"], env)).out, "There are no packages.\n");
  });
});

Deno.test("package list marks what a first use installed, until it is pinned", async () => {
  await withFolder(async (folder, env) => {
    // Of npm's packages, only their folders and pins are read.
    for (const [name, version] of [["named", "1.0.0"], ["newest", "2.0.0"]]) {
      await Deno.mkdir(`${folder}/${name}/${version}`, { recursive: true });
    }
    const pin = { version: "2.0.0", integrity: "sha512-x", on_use: true };
    await Deno.writeTextFile(`${folder}/newest/pin.json`, JSON.stringify(pin));
    const { out } = await admin(["list"], env);
    assertMatch(out, /\nnamed +npm +unpinned +1\.0\.0 +–\nnewest +npm +2\.0\.0 \(unpinned\) +– +sha512-x\n$/);
    assertMatch((await admin(["remove", "named"], env)).out, /^Removed named: 1\.0\.0\n/);
  });
});

Deno.test("package add installs with a narrow umask what every user may read", async () => {
  await withFolder(async (folder, env) => {
    const line = `umask 077; exec ${Deno.execPath()} run -A --cached-only ${ADMIN} package add ${NAME}@${NEW}`;
    const { success } = await new Deno.Command("sh", { args: ["-c", line], env, stdout: "null", stderr: "null" })
      .output();
    assert(success);
    const { mode } = await Deno.stat(`${folder}/${NAME}/${NEW}/node_modules/${NAME}/index.js`);
    assertEquals((mode ?? 0) & 0o444, 0o444);
  });
});

Deno.test("each mistake gets one line that helps, and leaves nothing behind", async () => {
  await withFolder(async (folder, env) => {
    const mistakes: [words: string[], said: RegExp, code: number, env?: Record<string, string>][] = [
      [["add", `${NAME}@^3.0.0`], /error: the package must be name, @scope\/name or .*: no range, no tag/, 2],
      [["add", "https://host.example/x.tgz"], /error: the package must be/, 2],
      [["add", `${NAME}@99.0.0`], /\nerror: the registry has no is-odd@99\.0\.0\n$/, 1],
      [["add", "@modelcontextprotocol/surely-not-there"], /\nerror: the registry has no package @model.*-there\n$/, 1],
      [["add", NAME], /\nerror: npm is not installed: install it and try again\n$/, 1, { PATH: "/nowhere" }],
      [["add", NAME, "--folder", "/dev/null/x"], /\nerror: the folder \/dev\/null\/x cannot be used/, 1],
      [["remove", NAME], /^error: there is no package "is-odd"; deno task admin package list shows them\n$/, 1],
      [["remove", "../x"], /^error: there is no package/, 1],
      [[], /name a command: add, list, remove/, 2],
    ];
    for (const [words, said, code, more] of mistakes) {
      const ran = await admin(words, { ...env, ...more });
      assertEquals([ran.code, ran.out], [code, ""], `${words.join(" ")}: ${ran.err}`);
      assertMatch(ran.err, said, words.join(" "));
    }
    assertEquals(await Array.fromAsync(Deno.readDir(folder)), []);
  });
});

Deno.test("a kill at any moment of package add leaves the version that was pinned, or the new one", async () => {
  await withFolder(async (folder, env) => {
    assertEquals((await admin(["add", `${NAME}@${OLD}`], env)).code, 0);
    const { packages } = packageStores(folder, new Map());
    let killed = 0;
    for (const ms of [150, 300, 450, 600, 750, 900, 1100, 1400]) {
      const child = command(["add", `${NAME}@${NEW}`], env).spawn();
      await new Promise((resolve) => setTimeout(resolve, ms));
      try {
        child.kill("SIGKILL");
      } catch {
        // It had ended.
      }
      if ((await child.output()).signal === "SIGKILL") killed++;
      const pinned = await packages.get(NAME);
      assert(pinned?.version === OLD || pinned?.version === NEW, JSON.stringify(pinned));
      for (const version of [undefined, OLD]) {
        const { entry } = await packages.find({ name: NAME, version });
        assertEquals((await Deno.stat(entry)).isFile, true, entry);
      }
    }
    assert(killed > 0);
    assertEquals((await admin(["add", `${NAME}@${NEW}`], env)).code, 0);
    assertEquals((await packages.get(NAME))?.version, NEW);
  });
});

Deno.test("what a killed installation left is removed an hour later, and not before", async () => {
  await withFolder(async (folder, env) => {
    const [old, young] = [`${folder}/.installing-old`, `${folder}/.removing-young`];
    for (const path of [old, young]) await Deno.mkdir(`${path}/node_modules`, { recursive: true });
    const time = new Date(Date.now() - 2 * 3_600_000);
    await Deno.utime(old, time, time);
    assertEquals((await admin(["add", `${NAME}@${NEW}`], env)).code, 0);
    const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
    assertEquals(names.sort(), [".removing-young", NAME]);
  });
});

Deno.test({
  name: "package remove refuses while a process uses the package, unless it is forced",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await withFolder(async (folder, env) => {
      await admin(["add", `${NAME}@${NEW}`], env);
      const script = `${folder}/${NAME}/${NEW}/wait.js`;
      await Deno.writeTextFile(script, "setInterval(() => {}, 1000)");
      const user = new Deno.Command("node", { args: [script], stdin: "null" }).spawn();
      const refused = await admin(["remove", NAME], env);
      assertEquals([refused.code, refused.out], [1, ""]);
      assertMatch(
        refused.err,
        new RegExp(
          `^error: nothing was removed: 1 process of this machine uses is-odd \\(${user.pid}\\): .*--force\n$`,
        ),
      );
      const forced = JSON.parse((await admin(["remove", NAME, "--force", "--json"], env)).out);
      assertEquals(forced, { name: NAME, removed: [NEW], processes: [user.pid] });
      user.kill();
      await user.status;
    });
  },
});

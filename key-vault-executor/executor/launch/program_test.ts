import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { ToolCallError } from "../tool_call_error.ts";
import { packageStores } from "./packages/stores.ts";
import { findCommands, findProgram, type Programs } from "./program.ts";
import { makeFolder } from "../testing/make.ts";

async function withPrograms(test: (programs: Programs, folder: string) => Promise<void>) {
  const root = await makeFolder();
  const scripts = `${root}/servers`;
  await Deno.mkdir(`${scripts}/deep`, { recursive: true });
  for (const name of ["test.js", "deep/tool.mjs", "main.ts", "main.py"]) {
    await Deno.writeTextFile(`${scripts}/${name}`, "");
  }
  await Deno.writeTextFile(`${root}/outside.js`, "");
  await Deno.symlink(`${root}/outside.js`, `${scripts}/link.js`);
  await Deno.symlink(`${scripts}/test.js`, `${scripts}/inside.js`);
  const commands = new Map(["node", "npx", "deno", "python3"].map((name) => [name, `/usr/bin/${name}`]));
  await test({ commands, ...packageStores(`${root}/packages`, commands), scripts }, root);
  await Deno.remove(root, { recursive: true });
}

async function refusal(work: () => Promise<unknown>): Promise<string> {
  const { code, message } = await assertRejects(work, ToolCallError);
  return `${code}: ${message}`;
}

Deno.test("findProgram() finds a script in the operator's folder", async () => {
  await withPrograms(async (programs, root) => {
    const scripts = `${root}/servers`;
    const found = await findProgram(programs, "node", ["test.js", "--verbose"]);
    assertEquals(found, {
      command: "/usr/bin/node",
      args: [`${scripts}/test.js`, "--verbose"],
      reads: [scripts],
      folder: scripts,
      name: "test.js",
    });
    assertEquals((await findProgram(programs, "node", ["deep/tool.mjs"])).name, "deep/tool.mjs");
    assertEquals((await findProgram(programs, "node", ["inside.js"])).name, "test.js");
    assertEquals((await findProgram(programs, "python3", ["main.py"])).args, [`${scripts}/main.py`]);
    const deno = await findProgram(programs, "deno", ["run", "-A", "--allow-net=x", "main.ts", "--flag"]);
    assertEquals(deno.args, ["run", "--no-prompt", "-A", "--allow-net=x", `${scripts}/main.ts`, "--flag"]);
  });
});

Deno.test("findProgram() never leaves the operator's folder", async () => {
  await withPrograms(async (programs, root) => {
    const names = [
      "../outside.js",
      "link.js",
      `${root}/outside.js`,
      `${root}/servers/test.js`,
      "deep/../../outside.js",
    ];
    for (const name of [...names, "missing.js", "deep", ".", ""]) {
      for (const command of ["node", "python3", "deno"]) {
        assertMatch(
          await refusal(() => findProgram(programs, command, [name])),
          /^program_not_found/,
          `${command} ${name}`,
        );
      }
    }
    const without = { ...programs, scripts: undefined };
    assertMatch(await refusal(() => findProgram(without, "node", ["test.js"])), /no folder of scripts/);
  });
});

Deno.test("findProgram() runs no code from the arguments", async () => {
  await withPrograms(async (programs) => {
    const attempts: [string, string[]][] = [
      ["node", ["-e", "1"]],
      ["node", ["--eval=1"]],
      ["node", ["--require", "test.js"]],
      ["node", ["--import=./test.js"]],
      ["python3", ["-c", "1"]],
      ["python3", ["-m", "http.server"]],
      ["deno", ["eval", "1"]],
      ["deno", ["run", "https://host.example/x.ts"]],
      ["deno", ["run", "--config=x.js", "main.ts"]],
      ["deno", ["run", "npm:cowsay"]],
      ["npx", ["-c", "ls"]],
      ["npx", ["--package=x", "y"]],
      ["npx", ["git+https://host.example/x"]],
      ["npx", ["../x"]],
      ["npx", ["x@^1"]],
    ];
    for (const [command, args] of attempts) {
      assertMatch(await refusal(() => findProgram(programs, command, args)), /^program_not_found/, args.join(" "));
    }
  });
});

Deno.test("findProgram() refuses commands that are not allowed, and says which are", async () => {
  await withPrograms(async (programs) => {
    for (const command of ["sh", "/usr/bin/node", "./node", "node ", "Node", "constructor"]) {
      const said = await refusal(() => findProgram(programs, command, ["test.js"]));
      assertEquals(
        said,
        "command_not_allowed: the command must be one of: deno, node, npx, python3; the operator of the Executor can install and allow others",
      );
    }
  });
});

Deno.test("findCommands() finds what is installed, and takes a path with a name", async () => {
  const found = await findCommands(["sh", "surely-not-installed", "mine=/bin/sh"], "/nowhere:/usr/bin:/bin");
  assertEquals([...found.keys()], ["sh", "mine"]);
  assertEquals(found.get("mine"), found.get("sh"));
  assert(found.get("sh")?.startsWith("/"));
});

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { ToolCallError } from "../../tool_call_error.ts";
import { type PackageKind, type PackageSpec, PackageStore, parsePackage } from "./packages.ts";
import { makeFolder } from "../../testing/make.ts";

const EVERYTHING = { name: "@modelcontextprotocol/server-everything", version: "2026.8.31" };

Deno.test("parsePackage() takes names with and without a version, and nothing else", () => {
  assertEquals(parsePackage("@mycompany/amazon-mcp-server"), {
    name: "@mycompany/amazon-mcp-server",
    version: undefined,
  });
  assertEquals(parsePackage("cowsay@latest"), { name: "cowsay", version: undefined });
  assertEquals(parsePackage("@a/b@1.2.3-rc.1"), { name: "@a/b", version: "1.2.3-rc.1" });
  const others = [
    "",
    "-e",
    "--flag",
    "../x",
    "./x",
    "/x",
    "a/b",
    "@a/b/c",
    "@a",
    "x@^1.2.3",
    "x@next",
    "x@",
    "Upper",
    "a b",
  ];
  for (const text of [...others, "git+https://h/x", "https://h/x.tgz", "x@npm:y@1.0.0", "x@file:..", "..", ".hidden"]) {
    assertEquals(parsePackage(text), undefined, text);
  }
});

Deno.test("a package is added, pinned, found, listed and removed", async () => {
  const folder = await makeFolder();
  const store = new PackageStore(folder);
  const [first, second] = await Promise.all([store.add(EVERYTHING), store.add(EVERYTHING)]);
  assertEquals(first, second);
  assertEquals(first.version, EVERYTHING.version);
  assertMatch(first.integrity, /^sha512-/);
  assertEquals(await store.list(), [{ name: EVERYTHING.name, ...first, pinned: true, versions: [first.version] }]);

  for (const version of [undefined, EVERYTHING.version]) {
    const found = await store.find({ name: EVERYTHING.name, version });
    assert(found.entry.startsWith(`${found.folder}/node_modules/${EVERYTHING.name}/`), found.entry);
    assert((await Deno.stat(found.entry)).isFile, found.entry);
  }
  const { message } = await assertRejects(() => store.find({ ...EVERYTHING, version: "1.0.0" }), ToolCallError);
  assertMatch(message, /server-everything@1\.0\.0 is not installed/);

  assertEquals(await store.remove(EVERYTHING.name), true);
  assertEquals(await store.remove(EVERYTHING.name), false);
  await assertRejects(() => store.find(EVERYTHING), ToolCallError);
  assertEquals((await Array.fromAsync(Deno.readDir(folder))).length, 0);
  await Deno.remove(folder, { recursive: true });
});

/** Installs no more than a file, as slowly as the test wants it. */
function slowKind(wait: (spec: PackageSpec) => Promise<void>): PackageKind {
  return {
    async install(spec, folder) {
      await Deno.writeTextFile(`${folder}/main.js`, "");
      await wait(spec);
      return { version: spec.version ?? "2.0.0", integrity: `sha512-${spec.version ?? "newest"}` };
    },
    findEntry: (_name, folder) => Promise.resolve(`${folder}/main.js`),
  };
}

Deno.test("a first use does not replace the version that an operator pins meanwhile, nor another first use's", async () => {
  const folder = await makeFolder();
  const [begun, pinned] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const waits = slowKind(async ({ version }) => {
    if (version !== undefined) return;
    begun.resolve();
    await pinned.promise;
  });
  // Each is a process of its own.
  const [first, second] = [new PackageStore(folder, true, waits), new PackageStore(folder, true, waits)];
  const operator = new PackageStore(folder, false, waits);
  const newest = { name: "tool", version: undefined };
  const uses = [first.find(newest), second.find(newest)];
  await begun.promise;
  await operator.add({ name: "tool", version: "1.0.0" });
  pinned.resolve();
  for (const { folder: found } of await Promise.all(uses)) assertEquals(found, `${folder}/tool/1.0.0`);
  const stored = { name: "tool", version: "1.0.0", integrity: "sha512-1.0.0", pinned: true };
  assertEquals(await operator.list(), [{ ...stored, versions: ["1.0.0", "2.0.0"] }]);
  assertEquals((await Array.fromAsync(Deno.readDir(`${folder}/tool`))).length, 3);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("what a first use chose runs from then on, is listed as not pinned, and an operator replaces it", async () => {
  const folder = await makeFolder();
  const store = new PackageStore(folder, true, slowKind(() => Promise.resolve()));
  await store.find({ name: "tool", version: undefined });
  const chosen = { name: "tool", version: "2.0.0", integrity: "sha512-newest", pinned: false, versions: ["2.0.0"] };
  assertEquals(await store.list(), [chosen]);
  await store.add({ name: "tool", version: "1.0.0" });
  assertEquals((await store.find({ name: "tool", version: undefined })).folder, `${folder}/tool/1.0.0`);
  const versions = ["1.0.0", "2.0.0"];
  assertEquals(await store.list(), [{
    name: "tool",
    version: "1.0.0",
    integrity: "sha512-1.0.0",
    pinned: true,
    versions,
  }]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a version that is installed on its first use is not pinned, and is listed", async () => {
  const folder = await makeFolder();
  const store = new PackageStore(folder, true);
  assertMatch((await store.find(EVERYTHING)).folder, new RegExp(`/${EVERYTHING.version}$`));
  const unpinned = { version: null, integrity: null, pinned: false, versions: [EVERYTHING.version] };
  assertEquals(await store.list(), [{ name: EVERYTHING.name, ...unpinned }]);
  assertEquals(await store.remove(EVERYTHING.name), true);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a package that no registry has leaves nothing behind", async () => {
  const folder = await makeFolder();
  const spec = { name: "@modelcontextprotocol/surely-not-there", version: undefined };
  const error = await assertRejects(() => new PackageStore(folder, true).find(spec), ToolCallError);
  assertEquals(error.code, "program_not_found");
  assertEquals((await Array.fromAsync(Deno.readDir(folder))).length, 0);
  await Deno.remove(folder, { recursive: true });
});

/** A package that is in the store already. */
async function withManifest(manifest: Record<string, unknown>, test: (store: PackageStore) => Promise<void>) {
  const folder = await makeFolder();
  const root = `${folder}/@scope+tool/1.0.0/node_modules/@scope/tool`;
  await Deno.mkdir(root, { recursive: true });
  await Deno.writeTextFile(`${root}/package.json`, JSON.stringify({ version: "1.0.0", ...manifest }));
  for (const name of ["a.js", "b.js"]) await Deno.writeTextFile(`${root}/${name}`, "");
  await Deno.writeTextFile(`${folder}/outside.js`, "");
  await Deno.symlink(`${folder}/outside.js`, `${root}/link.js`);
  await Deno.writeTextFile(`${folder}/@scope+tool/pin.json`, '{"version":"1.0.0","integrity":"sha512-x"}');
  await test(new PackageStore(folder));
  await Deno.remove(folder, { recursive: true });
}

Deno.test("a package's program is the one of its name, or the only one, or its main module", async () => {
  const chosen: [Record<string, unknown>, string][] = [
    [{ bin: "a.js", main: "b.js" }, "a.js"],
    [{ bin: { other: "b.js", tool: "./a.js" } }, "a.js"],
    [{ bin: { other: "b.js" } }, "b.js"],
    [{ main: "b.js" }, "b.js"],
  ];
  for (const [manifest, name] of chosen) {
    await withManifest(manifest, async (store) => {
      const { entry } = await store.find({ name: "@scope/tool", version: undefined });
      assert(entry.endsWith(`/@scope/tool/${name}`), entry);
    });
  }
});

Deno.test("a package without one program, or with one outside of it, is refused", async () => {
  const refused = [{}, { bin: { x: "a.js", y: "b.js" } }, { bin: "missing.js" }, { bin: "../../../../../outside.js" }];
  for (const manifest of [...refused, { bin: "link.js" }]) {
    await withManifest(manifest, async (store) => {
      const find = () => store.find({ name: "@scope/tool", version: undefined });
      const label = JSON.stringify(manifest);
      const error = await assertRejects(find, ToolCallError, "", label);
      assertEquals(error.code, "program_not_found", label);
    });
  }
});

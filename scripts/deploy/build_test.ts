import { assertEquals } from "@std/assert";
import { parse } from "@std/toml";
import { build } from "./build.ts";
import { type ProjectName, projectUrl } from "../stack/projects.ts";
import config from "../../deno.json" with { type: "json" };

const bundles = await build();

async function readBundles(): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const project of ["governance-hub", "key-vault-executor"] satisfies ProjectName[]) {
    const folder = projectUrl(project, "dist/");
    for (const { name } of Deno.readDirSync(folder)) files.set(name, await Deno.readTextFile(new URL(name, folder)));
  }
  return files;
}

const [, VERSION] = /npm:postgres@(.*)/.exec(config.imports.postgres) ?? [];

Deno.test("build() makes the same bytes twice: a bundle and a source map for each of the twelve functions", async () => {
  const first = await readBundles();
  await build();
  assertEquals(await readBundles(), first);
  assertEquals(first.size, 24);
});

Deno.test("build() makes bundles without realtime, storage and auth clients, which import the driver only when it is called", async () => {
  assertEquals(bundles.length, 12);
  for (const { name, packages } of bundles) {
    // The vault verifies decisions.
    const verifies = name === "credentials" ? ["jose"] : [];
    const expected = ["@supabase/postgrest-js", "deno-std", ...verifies, "this project", "zod"];
    assertEquals(Object.keys(packages).sort(), expected, name);
  }
  for (const [name, text] of await readBundles()) {
    if (!name.endsWith(".js")) continue;
    const imports = new Set(text.match(/\b(from|import)\s*\(?["'][^"']*["']/g));
    // Its digests and signatures are synchronous. It is part of the runtime.
    assertEquals(imports, new Set(['from"node:crypto"', `import("npm:postgres@${VERSION}"`]), name);
  }
});

Deno.test("build() includes the forms of secrets only in functions that look for them, and never the maker of documents", async () => {
  const scripts = [...await readBundles()].filter(([name]) => name.endsWith(".js"));
  const withForms = scripts.filter(([, text]) => text.includes("AKIA|ASIA")).map(([name]) => name);
  assertEquals(withForms.sort(), ["mcp-servers-register.js", "mcp-servers-update.js", "mcp-servers.js", "mcp.js"]);
  for (const [name, map] of await readBundles()) {
    if (!name.endsWith(".map")) continue;
    const { sources }: { sources: string[] } = JSON.parse(map);
    assertEquals(sources.filter((source) => /shared\/http\/openapi|to-json-schema/.test(source)), [], name);
  }
});

Deno.test("config.toml sets verify_jwt = false and the bundle as entrypoint for every function's folder", async () => {
  for (const project of ["governance-hub", "key-vault-executor"] satisfies ProjectName[]) {
    const { functions } = parse(await Deno.readTextFile(projectUrl(project, "config.toml")));
    // The CLI deploys no folder whose name begins with an underscore.
    const folders = [...Deno.readDirSync(projectUrl(project, "functions/"))].map((entry) => entry.name)
      .filter((name) => !name.startsWith("_")).sort();
    const expected = folders.map((name) => [name, { verify_jwt: false, entrypoint: `./dist/${name}.js` }]);
    assertEquals(functions, Object.fromEntries(expected), project);
    assertEquals(folders.length, project === "governance-hub" ? 7 : 5, project);
  }
});

/**
 * Tests both documents as users use them: clients from three generators run the specification's flow, and Schemathesis
 * sends requests that the documents allow and requests that they forbid.
 */

import { assert, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";
import { documentUrl } from "../../deploy/documents.ts";
import { RESOURCES } from "../../stack/projects.ts";
import { type Stack, startStack } from "../../stack/stack.ts";
import { makeStackFolder, removeStackFolder, throwAwayOptions } from "../../stack/throw_away.ts";
import { installPython, run, VERSIONS } from "./tools.ts";

const NAMES = { "governance-hub": "governance_hub", "key-vault-executor": "key_vault_executor" } as const;
const PROJECTS = ["governance-hub", "key-vault-executor"] as const;

let folder: string;
let stack: Stack;
let pythonBin: string;

Deno.test.beforeAll(async () => {
  folder = await makeStackFolder();
  stack = await startStack({ ...throwAwayOptions("pglite", folder), executor: undefined });
  pythonBin = await installPython(`${folder}/venv`, ["openapi-python-client", "schemathesis"]);
});

Deno.test.afterAll(async () => {
  await stack?.stop();
  await removeStackFolder(folder);
});

function documentPath(project: (typeof PROJECTS)[number]): string {
  return fileURLToPath(documentUrl(project));
}

function urlOf(project: (typeof PROJECTS)[number]): string {
  return `${stack.file[NAMES[project]].url}/functions/v1`;
}

/** The flows' variables. */
function variables(): Record<string, string> {
  return {
    HUB_URL: urlOf("governance-hub"),
    VAULT_URL: urlOf("key-vault-executor"),
    API_KEY: keyOf(),
  };
}

function keyOf(): string {
  return stack.file.organizations[0]?.tenants[0]?.api_key ?? "";
}

async function copyFlow(name: string, to: string): Promise<void> {
  await Deno.copyFile(new URL(name, import.meta.url), to);
}

Deno.test("clients of openapi-typescript and openapi-fetch compile, and complete the flow", async () => {
  const generator = `npm:openapi-typescript@${VERSIONS["openapi-typescript"]}`;
  for (const project of PROJECTS) {
    const options = ["--output", `${folder}/${NAMES[project]}.ts`];
    await run(Deno.execPath(), [
      "run",
      "-A",
      "--no-config",
      "--no-lock",
      generator,
      documentPath(project),
      ...options,
    ]);
  }
  await copyFlow("flow.ts", `${folder}/flow.ts`);
  const imports = { "openapi-fetch": `npm:openapi-fetch@${VERSIONS["openapi-fetch"]}` };
  await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify({ imports, nodeModulesDir: "none", lock: false }));
  // `deno run --check` checks the types first.
  const printed = await run(Deno.execPath(), ["run", "-A", "--check", "flow.ts"], {
    cwd: folder,
    env: variables(),
  });
  assertMatch(printed, /the flow is complete/);
});

Deno.test("clients of openapi-python-client compile, and complete the flow", async () => {
  for (const project of PROJECTS) {
    const options = ["--meta", "none", "--fail-on-warning", "--output-path", `${folder}/${NAMES[project]}`];
    // The generator formats its output with programs in its own folder.
    const env = { PATH: `${pythonBin}:${Deno.env.get("PATH")}` };
    await run(`${pythonBin}/openapi-python-client`, ["generate", "--path", documentPath(project), ...options], { env });
    await run(`${pythonBin}/python`, ["-m", "compileall", "-q", `${folder}/${NAMES[project]}`]);
  }
  await copyFlow("flow.py", `${folder}/flow.py`);
  assertMatch(
    await run(`${pythonBin}/python`, ["flow.py"], { cwd: folder, env: variables() }),
    /the flow is complete/,
  );
});

Deno.test("clients of oapi-codegen compile, and complete the flow", async () => {
  const generator = "github.com/oapi-codegen/oapi-codegen/v2";
  const runtime = "github.com/oapi-codegen/runtime";
  const env = { GOBIN: `${folder}/bin`, GOFLAGS: "-mod=mod" };
  await run("go", ["install", `${generator}/cmd/oapi-codegen@${VERSIONS[generator]}`], { env });
  for (const [project, name] of [["governance-hub", "hub"], ["key-vault-executor", "vault"]] as const) {
    await Deno.mkdir(`${folder}/${name}`);
    const options = ["-generate", "types,client", "-package", name, "-o", `${folder}/${name}/client.go`];
    await run(`${folder}/bin/oapi-codegen`, [...options, documentPath(project)]);
  }
  await copyFlow("flow.go", `${folder}/flow.go`);
  const module = `module flow\n\ngo 1.24\n\nrequire ${runtime} ${VERSIONS[runtime]}\n`;
  await Deno.writeTextFile(`${folder}/go.mod`, module);
  await run("go", ["build", "-o", "bin/flow", "."], { cwd: folder, env });
  assertMatch(await run(`${folder}/bin/flow`, [], { env: variables() }), /the flow is complete/);
});

/** All but `positive_data_acceptance`: a schema cannot say which cursors and If-Match values are valid for a tenant. */
const CHECKS = [
  "not_a_server_error",
  "status_code_conformance",
  "content_type_conformance",
  "response_headers_conformance",
  "response_schema_conformance",
  "negative_data_rejection",
  "unsupported_method",
  "allow_header_conformance",
  "ignored_auth",
];

Deno.test("Schemathesis finds no undocumented answer, and no accepted request that the documents forbid", async () => {
  const config = fileURLToPath(new URL("schemathesis.toml", import.meta.url));
  const runs = PROJECTS.map(async (project) => {
    const url = urlOf(project);
    const printed = await run(`${pythonBin}/schemathesis`, [
      `--config-file=${config}`,
      "run",
      `${url}/${RESOURCES[project]}/openapi.json`,
      `--url=${url}`,
      `--header=X-API-Key: ${keyOf()}`,
      `--checks=${CHECKS.join()}`,
      "--phases=examples,coverage,fuzzing",
      "--max-examples=10",
      "--continue-on-failure",
      "--no-color",
    ], { cwd: folder });
    const count = Number(/(\d+) generated, \d+ passed/.exec(printed)?.[1]);
    assert(count > 300, printed);
  });
  await Promise.all(runs);
});

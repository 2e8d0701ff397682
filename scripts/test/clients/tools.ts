/** Installs the client generators and the fuzzer that test both documents, with fixed versions. */

import { CliError } from "../../cli/error.ts";

/** Versions from npm, PyPI and the Go module proxy. */
export const VERSIONS = {
  "openapi-typescript": "7.13.0",
  "openapi-fetch": "0.17.0",
  "openapi-python-client": "0.29.1",
  "schemathesis": "4.32.5",
  "github.com/oapi-codegen/oapi-codegen/v2": "v2.8.2",
  "github.com/oapi-codegen/runtime": "v1.8.0",
} as const;

const WHERE_FROM: Record<string, string> = {
  python3: "install Python 3.11 or later with pip and venv",
  go: "install Go 1.24 or later (https://go.dev/dl)",
};

export interface RunOptions {
  cwd?: string;
  env?: Record<string, string>;
}

/** Returns a program's output. @throws {CliError} with the whole output if it fails, or if it is not installed. */
export async function run(program: string, args: string[], options: RunOptions = {}): Promise<string> {
  const command = new Deno.Command(program, { args, ...options, stdin: "null", stdout: "piped", stderr: "piped" });
  const { code, stdout, stderr } = await command.output().catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new CliError(`${program} is not installed: ${WHERE_FROM[program] ?? "install it"}`);
  });
  const [printed, told] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  if (code !== 0) throw new CliError(`${[program, ...args].join(" ")} ended with ${code}:\n${printed}\n${told}`);
  return printed ?? "";
}

/** Installs programs from PyPI in the folder. Returns their location. */
export async function installPython(folder: string, packages: (keyof typeof VERSIONS)[]): Promise<string> {
  await run("python3", ["-m", "venv", folder]);
  const pinned = packages.map((name) => `${name}==${VERSIONS[name]}`);
  await run(`${folder}/bin/python`, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...pinned]);
  return `${folder}/bin`;
}

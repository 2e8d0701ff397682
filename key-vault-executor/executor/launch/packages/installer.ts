/** Runs a package client: npm, or uv. */

import { ToolCallError } from "../../tool_call_error.ts";

/** What a client may know of the Executor's environment. */
const VARIABLES =
  /^(?:PATH|HOME|npm_config_.*|UV_.*|PIP_(?:INDEX|EXTRA_INDEX)_URL|(?:https?|no)_proxy|SSL_CERT_FILE|NODE_EXTRA_CA_CERTS)$/i;

const CAUSE_CHARACTERS = 2000;

export interface Installation {
  /** Where it runs. */
  folder: string;
  /** Of the package, for messages. */
  name: string;
}

/** @throws {ToolCallError} Its cause is what the client said: for operators only. */
export async function runInstaller(client: string, args: string[], installation: Installation): Promise<void> {
  const { success, stderr } = await start(client, args, installation);
  if (success) return;
  const message =
    `the package ${installation.name} could not be installed: check its name, or tell the operator of the Executor`;
  throw new ToolCallError("program_not_found", message, new TextDecoder().decode(stderr).slice(0, CAUSE_CHARACTERS));
}

async function start(client: string, args: string[], { folder }: Installation): Promise<Deno.CommandOutput> {
  const variables = Object.entries(Deno.env.toObject()).filter(([variable]) => VARIABLES.test(variable));
  try {
    return await new Deno.Command(client, {
      args,
      cwd: folder,
      clearEnv: true,
      env: Object.fromEntries(variables),
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    const name = client.replace(/^.*\//, "");
    const message = `packages cannot be installed here, since ${name} is not there: tell the operator of the Executor`;
    throw new ToolCallError("program_not_found", message, "NotFound");
  }
}

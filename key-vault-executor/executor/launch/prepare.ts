/** From a decided server to how it is started now: its program, its credential as variables, and its sandbox. */

import { encodeHex } from "@std/encoding/hex";
import type { CredentialSource } from "./credentials.ts";
import { serviceOf } from "shared/decision/decision.ts";
import { chooseCredential, environmentOf } from "./environment.ts";
import { findProgram, type Programs } from "./program.ts";
import { makeRedact } from "../redaction/redact.ts";
import { launch, type SandboxOptions } from "./sandbox.ts";
import type { PrepareServer } from "../processes/supervisor.ts";

export interface PrepareOptions {
  programs: Programs;
  sandbox: SandboxOptions;
  credentials: CredentialSource;
}

export function makePrepare({ programs, sandbox, credentials }: PrepareOptions): PrepareServer {
  return async ({ tenantId, decision }, server) => {
    // First the program: a server that cannot run is no reason to open a credential.
    const program = await findProgram(programs, server.command, server.args);
    const service = serviceOf(server.tool_prefix);
    const chosen = chooseCredential(service, await credentials({ tenantId, service, decision }));
    const { variables, secrets } = chosen === undefined ? { variables: {}, secrets: [] } : environmentOf(chosen);
    return {
      launch: launch(sandbox, program, variables),
      redact: makeRedact(secrets),
      fingerprint: await fingerprintOf(variables),
    };
  };
}

async function fingerprintOf(variables: Record<string, string>): Promise<string> {
  const sorted = Object.entries(variables).sort(([a], [b]) => a < b ? -1 : 1);
  const bytes = new TextEncoder().encode(JSON.stringify(sorted));
  return encodeHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

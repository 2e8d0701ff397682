/** Who acts in the demo, and what a step of it is. */

import { CliError } from "../../cli/error.ts";
import type { StackFile } from "../../stack/data/stack_file.ts";
import type { Amazon } from "../amazon.ts";

export interface DemoStep {
  /** Describes the step to the reader. */
  sentence: string;
  project: "hub" | "vault";
  request: string;
  key: string;
  body?: Record<string, unknown>;
  status: number;
  /** The members that the answer must have. */
  expected: Record<string, unknown>;
  /** What happens outside both projects before the request. */
  before?: () => void;
  /** True: the request is sent again until the answer is as expected, for some seconds. */
  isRepeated?: boolean;
}

/** The program of the agent's server, in the Executor's folder of servers. */
export const SCRIPT = "amazon_server.mjs";

export const OLD = { api_key: "AKIAIOSFODNN7EXAMPLE", secret_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" };
export const NEW = { api_key: "AKIAI44QH8DHBEXAMPLE" };

/** Only the server, Amazon and keys that may reveal credentials may see it. */
export const SECRETS: readonly string[] = [...Object.values(OLD), ...Object.values(NEW)];

export interface Cast {
  agent: { key: string };
  kernel: { key: string };
  stranger: { key: string };
  names: { shop: string; acme: string; globex: string };
  tenantId: string;
  server: Record<string, unknown>;
  amazon: Amazon;
}

/** @throws {CliError} */
export function castOf(file: StackFile, amazon: Amazon): Cast {
  const [acme, globex] = file.organizations;
  const [shop] = acme?.tenants ?? [];
  if (!acme || !globex || !shop) throw new CliError("the stack is not seeded");
  return {
    agent: { key: shop.api_key },
    kernel: { key: acme.kernel_key },
    stranger: { key: globex.kernel_key },
    names: { shop: shop.name, acme: acme.name, globex: globex.name },
    tenantId: shop.id,
    server: {
      server_id: "my-amazon-server",
      name: "My Amazon MCP Server",
      command: "node",
      args: [SCRIPT, amazon.url],
      tool_prefix: "amazon.",
    },
    amazon,
  };
}

export const ok = (data: unknown) => ({ ok: true, data });
export const success = (data: unknown) => ({ ok: true, status: "success", data });
export const selector = { service: "amazon", credential_type: "api_key" };

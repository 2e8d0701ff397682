/** Calls an operators' function of a project, and turns failures into messages for the operator. */

import type { PostgrestError } from "@supabase/supabase-js";
import type { Database as HubDatabase } from "governance-hub/supabase/database.types.ts";
import type { Database as VaultDatabase } from "key-vault-executor/supabase/database.types.ts";
import { isTransientCode } from "shared/database/database_error.ts";
import * as z from "zod/mini";
import { CliError } from "../../../cli/error.ts";
import { connect, type ProjectAccess } from "./client.ts";

export type { ProjectAccess };

type HubFunctions = HubDatabase["public"]["Functions"];
type VaultFunctions = VaultDatabase["public"]["Functions"];

/** Longer than the functions' own statement_timeout of 4 s. */
const TIMEOUT_MS = 8000;

/** The code of a call without an answer. */
export const UNREACHABLE = "unreachable";

/** A failed call. Its code is the database's (a SQLSTATE, or PostgREST's own) or UNREACHABLE. */
export class CallError extends CliError {
  /** @param isTransient whether a retry may succeed */
  constructor(message: string, readonly code: string, readonly isTransient: boolean) {
    super(message);
  }
}

/** Calls a function of the hub. @throws {CallError} with a message that says what to do. */
export async function callHub<Name extends keyof HubFunctions, Answer>(
  project: ProjectAccess,
  name: Name,
  parameters: HubFunctions[Name]["Args"],
  answer: z.ZodMiniType<Answer>,
): Promise<Answer> {
  const call = connect<HubDatabase>(project).rpc(name, parameters);
  return readReply(project, name, await call.abortSignal(AbortSignal.timeout(TIMEOUT_MS)), answer);
}

/** Calls a function of the vault. @throws {CallError} with a message that says what to do. */
export async function callVault<Name extends keyof VaultFunctions, Answer>(
  project: ProjectAccess,
  name: Name,
  parameters: VaultFunctions[Name]["Args"],
  answer: z.ZodMiniType<Answer>,
): Promise<Answer> {
  const call = connect<VaultDatabase>(project).rpc(name, parameters);
  return readReply(project, name, await call.abortSignal(AbortSignal.timeout(TIMEOUT_MS)), answer);
}

/** Runs the call, and replaces the message of a failure with one of these codes. */
export async function withMessages<T>(call: Promise<T>, messages: Record<string, string>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    const message = error instanceof CallError ? messages[error.code] : undefined;
    throw message === undefined ? error : new CliError(message);
  }
}

interface RpcReply {
  data: unknown;
  error: PostgrestError | null;
  /** 0 without an answer. */
  status: number;
}

function readReply<Answer>(
  project: ProjectAccess,
  name: string,
  { data, error, status }: RpcReply,
  answer: z.ZodMiniType<Answer>,
): Answer {
  if (error) {
    const code = status === 0 ? UNREACHABLE : error.code ?? "";
    throw new CallError(explain(project, name, error, status), code, isTransient(code, status));
  }
  const parsed = answer.safeParse(data);
  if (parsed.success) return parsed.data;
  throw new CliError(`${nameOf(project)}: ${name} gave an unexpected answer; deploy the version of this clone`);
}

function explain(project: ProjectAccess, name: string, error: PostgrestError, status: number): string {
  const check = project.origin === undefined ? "" : `; check ${project.origin}`;
  const code = error.code ?? "";
  if (status === 0) return `${nameOf(project)} does not answer at ${project.url}${check}`;
  if (status === 401 || status === 403 || code === "42501") {
    return `${nameOf(project)} refuses the secret key at ${project.url}${check}`;
  }
  if (code === "PGRST202" || code === "42883") {
    return `${nameOf(project)} does not have the function ${name}: apply its migrations (deno task deploy)`;
  }
  if (isGateway(status) && code === "") {
    return `${nameOf(project)} is not available (status ${status}); try again`;
  }
  if (code === "57014") return `${nameOf(project)}: ${name} took longer than 4 s; try again`;
  // The database sends a SQLSTATE or a code of PostgREST's. Another code comes from another server or from a gateway.
  if (!/^(PGRST[0-9A-Z]+|[0-9A-Z]{5})$/.test(code)) {
    return `the server at ${project.url} (status ${status}) is not a Supabase project${check}`;
  }
  return `${nameOf(project)}: ${name}: ${code} ${error.message}`.replaceAll(/\s+/g, " ");
}

/** 429, 502 to 504, and gateways' own numbers above these: a gateway answers, not the project. */
function isGateway(status: number): boolean {
  return status === 429 || status >= 502;
}

function isTransient(code: string, status: number): boolean {
  return code === UNREACHABLE || isGateway(status) || isTransientCode(code);
}

function nameOf(project: ProjectAccess): string {
  return project.name ?? "the project";
}

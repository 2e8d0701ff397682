/** One call of an operators' function of a project, and what its failures mean to whoever runs the command. */

import { PostgrestClient, type PostgrestError } from "@supabase/postgrest-js";
import * as z from "zod/mini";
import { fetchWithoutRedirect, isPassingCode, keyHeaders } from "shared/database.ts";
import { StackError } from "../stack/child.ts";

export interface ProjectAccess {
  url: string;
  secret_key: string;
  /** What it is called in messages. */
  name?: string;
  /** Where address and key were read: what to check when they are refused. */
  origin?: string;
}

/** Longer than the functions' own statement_timeout of 4 s. */
const TIMEOUT_MS = 8000;

/** The code of a call that nothing answered. */
export const UNREACHABLE = "unreachable";

/** A failure of a call, with the code that the database told (a SQLSTATE, or PostgREST's own), or UNREACHABLE. */
export class CallError extends StackError {
  /** @param isPassing whether the same call may succeed a moment later */
  constructor(message: string, readonly code: string, readonly isPassing: boolean) {
    super(message);
  }
}

/** Calls a function of the data API. @throws {CallError} with a message that tells what to do. */
export async function callOperator<Answer>(
  project: ProjectAccess,
  name: string,
  parameters: Record<string, unknown>,
  answer: z.ZodMiniType<Answer>,
): Promise<Answer> {
  const client = new PostgrestClient(`${project.url}/rest/v1`, {
    headers: keyHeaders(project.secret_key),
    retry: false,
    fetch: fetchWithoutRedirect,
  });
  const { data, error, status } = await client.rpc(name, parameters).abortSignal(AbortSignal.timeout(TIMEOUT_MS));
  if (error) {
    const code = status === 0 ? UNREACHABLE : error.code ?? "";
    throw new CallError(explain(project, name, error, status), code, isPassing(code, status));
  }
  const parsed = answer.safeParse(data);
  if (parsed.success) return parsed.data;
  throw new StackError(`${nameOf(project)} answers ${name} in another form: is it of the same version as this clone?`);
}

/** Replaces the message of a failure that the database told with one of these codes. */
export async function orTell<T>(call: Promise<T>, messages: Record<string, string>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    const message = error instanceof CallError ? messages[error.code] : undefined;
    throw message === undefined ? error : new StackError(message);
  }
}

function explain(project: ProjectAccess, name: string, error: PostgrestError, status: number): string {
  const check = project.origin === undefined ? "" : `; check ${project.origin}`;
  const code = error.code ?? "";
  if (status === 0) return `${nameOf(project)} does not answer at ${project.url}${check}`;
  if (status === 401 || status === 403 || code === "42501") {
    return `${nameOf(project)} refuses the secret key at ${project.url}${check}`;
  }
  if (code === "PGRST202" || code === "42883") {
    return `${nameOf(project)} lacks the function ${name}: apply its migrations (deno task deploy)`;
  }
  if (isGateway(status) && code === "") return `${nameOf(project)} is not available now (status ${status}); repeat it`;
  if (code === "57014") return `${nameOf(project)}: ${name} took longer than 4 s; repeat it`;
  // A SQLSTATE or a code of PostgREST's; all else came from another server, or from a gateway before it.
  if (!/^(PGRST[0-9A-Z]+|[0-9A-Z]{5})$/.test(code)) {
    return `what answers at ${project.url} (status ${status}) is no Supabase project${check}`;
  }
  return `${nameOf(project)}: ${name}: ${code} ${error.message}`.replaceAll(/\s+/g, " ");
}

/** 429 and 502 to 504, and the same of a gateway's own numbers: what answers is not the project. */
function isGateway(status: number): boolean {
  return status === 429 || status >= 502;
}

function isPassing(code: string, status: number): boolean {
  return code === UNREACHABLE || isGateway(status) || isPassingCode(code);
}

function nameOf(project: ProjectAccess): string {
  return project.name ?? "the project";
}

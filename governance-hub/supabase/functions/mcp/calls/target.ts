/** What a call names: a tool or prompt by its name, a resource by its URI. */

import { type CallMethod, isMembers, type Target, targetOf } from "shared/mcp/methods.ts";
import { invalidParams } from "../protocol/mcp_error.ts";
import { resourceUri, toolName } from "shared/schema/request_fields.ts";

/** A target whose name has the right form. */
export interface NamedTarget extends Target {
  name: string;
}

/** @throws {McpError} if the database should not be asked about it. */
export function readTarget(method: CallMethod, params: Record<string, unknown>): NamedTarget {
  const { kind, name } = targetOf(method, params);
  const form = kind === "resource" ? resourceUri() : toolName();
  const read = form.safeParse(name);
  if (!read.success) throw invalidParams(NEEDED[method]);
  if (params.arguments !== undefined && !isMembers(params.arguments)) {
    throw invalidParams("params.arguments must be an object");
  }
  return { kind, name: read.data };
}

const NEEDED: Record<CallMethod, string> = {
  "tools/call": "params.name must be the name of a tool",
  "prompts/get": "params.name must be the name of a prompt",
  "resources/read": "params.uri must be the URI of a resource, of at most 2048 characters",
  "completion/complete":
    "params.ref must be a ref/prompt with the name of a prompt, or a ref/resource with the URI of a resource",
};

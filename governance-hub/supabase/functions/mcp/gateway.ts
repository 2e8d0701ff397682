/** `POST /mcp`: the tools, prompts and resources of the caller's tenant. MCP over Streamable HTTP, without sessions. */

import * as z from "zod/mini";
import { once } from "shared/lazy.ts";
import { hub } from "../_shared/hub.ts";
import { parseFields, readQuery } from "shared/http/endpoint.ts";
import { readJsonText } from "shared/http/body.ts";
import { readKey, requireTenant } from "shared/auth/presented_key.ts";
import { tenantId } from "shared/schema/request_fields.ts";
import { type Answer, type RequestContext, requireMethod, respond } from "shared/http/respond.ts";
import { answerRequest, type McpCall } from "./methods.ts";
import { errorMessage, McpError } from "./protocol/mcp_error.ts";
import { type Id, parseMessage, readRequest } from "./protocol/message.ts";
import { refuseForeignOrigin } from "./protocol/origin.ts";

/** 4 MiB: what an Executor takes. */
const MAX_BODY_BYTES = 4 * 2 ** 20;

const query = once(() => z.strictObject({ tenant_id: z.optional(tenantId()) }));

export function gateway(request: Request): Promise<Response> {
  return respond(hub, "mcp", request, answer);
}

/** A caller who may not enter gets the project's errors, others get JSON-RPC's. */
async function answer({ request, url, requestId, noteCaller }: RequestContext): Promise<Answer> {
  requireMethod(request, "POST");
  const key = readKey(request.headers);
  const text = await readJsonText(request, { maxBytes: MAX_BODY_BYTES });
  const { tenant_id } = parseFields(query(), readQuery(url)) as { tenant_id?: string };
  requireTenant(key, tenant_id);
  const environment = await hub.environment();
  const presented = { ...key, tenantId: tenant_id?.toLowerCase(), requestId };
  const { headers, signal } = request;
  let id: Id | null = null;
  try {
    const message = parseMessage(text);
    id = message.id;
    refuseForeignOrigin(headers);
    const read = readRequest(message, headers);
    if (read === undefined) return { status: 202 };
    const call: McpCall = {
      environment,
      input: undefined,
      presented,
      headers,
      noteCaller,
      request: read,
      text,
      signal,
    };
    return await answerRequest(call);
  } catch (error) {
    if (!(error instanceof McpError)) throw error;
    return refusal(id, error, requestId);
  }
}

function refusal(id: Id | null, error: McpError, requestId: string): Answer {
  const { status, code, cause } = error;
  return { status, json: JSON.stringify(errorMessage(id, error, requestId)), error: { code, cause } };
}

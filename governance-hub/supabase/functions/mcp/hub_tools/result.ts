/** The answer of an endpoint as the result of a tool: text for the agent, and the same as structured content. */

import * as z from "zod/mini";
import { type ApiError, type ErrorCode, STATUS } from "shared/api_error.ts";
import { failureBody } from "shared/http/respond.ts";
import { hub } from "../../_shared/hub.ts";
import { once } from "shared/lazy.ts";

export interface CallToolResult extends Record<string, unknown> {
  content: { type: "text"; text: string }[];
  structuredContent?: Record<string, unknown>;
  isError?: boolean;
}

const answer = once(() =>
  z.union([
    z.looseObject({ ok: z.literal(true), data: z.record(z.string(), z.unknown()) }),
    z.looseObject({
      ok: z.literal(false),
      request_id: z.string(),
      error: z.looseObject({
        code: z.string(),
        message: z.string(),
        fields: z.optional(z.array(z.object({ path: z.string(), message: z.string() }))),
      }),
    }),
  ])
);
type FailureAnswer = Extract<z.output<ReturnType<typeof answer>>, { ok: false }>;

/** What an agent can do about an error, where the message does not say it. */
const ADVICE: Partial<Record<ErrorCode, string>> = {
  insufficient_scope: "Ask an operator for a key that has it.",
  not_found: "hub.list_servers and hub.list_credentials show what there is.",
  secret_in_args: "Store it with hub.store_credential: the server gets it in its environment.",
  version_mismatch: "hub.list_servers shows it.",
};

/** The result for the JSON that an endpoint answered, or undefined if it is not an answer of an endpoint. */
export function resultOfAnswer(json: unknown): CallToolResult | undefined {
  const parsed = answer().safeParse(json);
  if (!parsed.success) return undefined;
  return parsed.data.ok ? success(parsed.data.data) : failure(parsed.data);
}

export function success(data: Record<string, unknown>): CallToolResult {
  return { content: [{ type: "text", text: JSON.stringify(data) }], structuredContent: data };
}

/** The result for an error of the tool itself, in the words of an endpoint. */
export function resultOfError(error: ApiError, requestId: string): CallToolResult {
  return failure({ ...failureBody(hub, error, requestId), ok: false });
}

function failure({ error, request_id }: FailureAnswer | ReturnType<typeof failureBody>): CallToolResult {
  const { code, message, fields = [] } = error;
  const faults = fields.map((field) => `- ${field.path || "the arguments"}: ${field.message}`);
  const advice = isCode(code) ? ADVICE[code] : undefined;
  const text = [
    `${code}: ${message}`,
    ...faults,
    ...(advice === undefined ? [] : [advice]),
    `request_id: ${request_id}`,
  ];
  return {
    content: [{ type: "text", text: text.join("\n") }],
    structuredContent: { error, request_id },
    isError: true,
  };
}

function isCode(code: string): code is ErrorCode {
  return code in STATUS;
}

/** The methods of MCP that a tenant's servers answer, and where each carries the name that gets the server's prefix. */

type Members = Record<string, unknown>;

/** What the gateway and the Executor offer. Which of it a tenant's servers have, their lists show. */
export const CAPABILITIES = { tools: {}, prompts: {}, resources: {}, completions: {}, logging: {} };

/** By method: the capability that a server with such a list has, the result's member with the items, and an item's name. */
export const LISTS = {
  "tools/list": { capability: "tools", items: "tools", name: "name" },
  "prompts/list": { capability: "prompts", items: "prompts", name: "name" },
  "resources/list": { capability: "resources", items: "resources", name: "uri" },
  "resources/templates/list": { capability: "resources", items: "resourceTemplates", name: "uriTemplate" },
} as const;
export type ListMethod = keyof typeof LISTS;
export const LIST_METHODS = [
  "tools/list",
  "prompts/list",
  "resources/list",
  "resources/templates/list",
] as const satisfies ListMethod[];

/** What one server answers. Each is authorized and recorded. */
export const CALL_METHODS = ["tools/call", "prompts/get", "resources/read", "completion/complete"] as const;
export type CallMethod = (typeof CALL_METHODS)[number];

/** What a call is about. A tool and a prompt have a name, a resource has a URI. */
export interface Target {
  kind: "tool" | "prompt" | "resource";
  /** The caller's text, if it is text at all. */
  name: unknown;
}

export function isListMethod(method: string): method is ListMethod {
  return Object.hasOwn(LISTS, method);
}

export function isCallMethod(method: string): method is CallMethod {
  return CALL_METHODS.some((known) => known === method);
}

export function isMembers(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A completion is about the prompt or the resource whose argument is completed. */
export function targetOf(method: CallMethod, params: Members): Target {
  if (method === "tools/call") return { kind: "tool", name: params.name };
  if (method === "prompts/get") return { kind: "prompt", name: params.name };
  if (method === "resources/read") return { kind: "resource", name: params.uri };
  const ref = isMembers(params.ref) ? params.ref : {};
  if (ref.type === "ref/resource") return { kind: "resource", name: ref.uri };
  return { kind: "prompt", name: ref.type === "ref/prompt" ? ref.name : undefined };
}

/** The parameters of a call with another name in place of its target's. */
export function withTarget(method: CallMethod, params: Members, name: string): Members {
  if (method === "resources/read") return { ...params, uri: name };
  if (method !== "completion/complete") return { ...params, name };
  const ref = isMembers(params.ref) ? params.ref : {};
  return { ...params, ref: { ...ref, [ref.type === "ref/resource" ? "uri" : "name"]: name } };
}

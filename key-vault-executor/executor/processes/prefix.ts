/** Puts a server's prefix in front of the names and URIs that it tells, so that a caller can use what it was told. */

import { type CallMethod, isMembers, type ListMethod, LISTS } from "shared/mcp/methods.ts";

/** A tool, prompt, resource or template, as a server lists it. */
export type Item = Record<string, unknown>;

/** Items have been checked to have a name, which is text. */
export function nameOf(method: ListMethod, item: Item): string {
  return String(item[LISTS[method].name]);
}

export function prefixItem(method: ListMethod, item: Item, prefix: string): Item {
  return { ...item, [LISTS[method].name]: prefix + nameOf(method, item) };
}

/** The URIs of a result's resources: embedded, linked to, or read. */
export function prefixResult(method: CallMethod, result: Item, prefix: string): Item {
  const withContent = (item: unknown) => prefixContent(item, prefix);
  switch (method) {
    case "tools/call":
      return Array.isArray(result.content) ? { ...result, content: result.content.map(withContent) } : result;
    case "prompts/get":
      return Array.isArray(result.messages)
        ? { ...result, messages: result.messages.map((message) => changeMember(message, "content", withContent)) }
        : result;
    case "resources/read":
      return Array.isArray(result.contents)
        ? { ...result, contents: result.contents.map((item) => prefixUri(item, prefix)) }
        : result;
    case "completion/complete":
      return result;
  }
}

/** Of an object that may have a `uri`, as the data of an error. */
export function prefixUri(value: unknown, prefix: string): unknown {
  return changeMember(value, "uri", (uri) => typeof uri === "string" ? prefix + uri : uri);
}

function prefixContent(content: unknown, prefix: string): unknown {
  if (!isMembers(content)) return content;
  if (content.type === "resource_link") return prefixUri(content, prefix);
  if (content.type !== "resource") return content;
  return changeMember(content, "resource", (resource) => prefixUri(resource, prefix));
}

function changeMember(value: unknown, name: string, change: (member: unknown) => unknown): unknown {
  return isMembers(value) && name in value ? { ...value, [name]: change(value[name]) } : value;
}

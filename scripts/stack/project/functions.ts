/** A project's functions, served in one process as the platform serves them. */

import { functionNames, type ProjectName, projectUrl } from "../projects.ts";

export type Functions = ReadonlyMap<string, { fetch(request: Request): Promise<Response> }>;

export async function loadFunctions(project: ProjectName): Promise<Functions> {
  const names = await functionNames(project);
  const modules = await Promise.all(
    names.map((name) => import(projectUrl(project, `functions/${name}/index.ts`).href)),
  );
  return new Map(names.map((name, index) => [name, modules[index].default]));
}

/** Answers a request for `/functions/v1/<name>`: 404, as the platform does, if there is no such function. */
export async function answerFunction(functions: Functions, request: Request, url: URL): Promise<Response> {
  const [, name = "", rest = ""] = /^\/functions\/v1\/([^/]+)(.*)$/.exec(url.pathname) ?? [];
  const handler = functions.get(name);
  if (handler === undefined) return Response.json({ code: "NOT_FOUND" }, { status: 404 });
  // As on the platform, the path starts with the function's name. A copy of the request with another address would take
  // 50 µs, a third of an instance's time for a list, and `new Request` refuses some methods.
  Object.defineProperty(request, "url", { value: `${url.origin}/${name}${rest}${url.search}` });
  const response = await handler.fetch(request);
  // The rest of a body that was too slow or not read may still arrive on the connection (RFC 9110, 15.5.9).
  const isUnread = request.body !== null && !request.bodyUsed;
  if (isUnread || response.status === 408) response.headers.set("connection", "close");
  return response;
}

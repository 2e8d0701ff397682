/** Serves one function with `deno serve` and its own environment. */

import { functionNames, type ProjectName, projectUrl, RESOURCES } from "../../stack/projects.ts";
import { freePort } from "../../stack/ready.ts";
import { type EndpointCase, endpointsOf } from "./endpoints.ts";

export interface ServedFunction {
  url: string;
  /** Its output so far. */
  output: () => string;
  stop(): Promise<void>;
}

/** Serves a function on loopback and waits until it answers. */
export async function serveFunction(
  project: ProjectName,
  name: string,
  environment: Record<string, string>,
): Promise<ServedFunction> {
  const port = freePort();
  const process = new Deno.Command(Deno.execPath(), {
    args: [
      "serve",
      "--cached-only",
      "-A",
      "--no-check",
      "--host=127.0.0.1",
      `--port=${port}`,
      projectUrl(project, `functions/${name}/index.ts`).href,
    ],
    env: { PATH: Deno.env.get("PATH") ?? "", HOME: Deno.env.get("HOME") ?? "", NO_COLOR: "1", ...environment },
    clearEnv: true,
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let output = "";
  for (const stream of [process.stdout, process.stderr]) {
    stream.pipeThrough(new TextDecoderStream()).pipeTo(new WritableStream({ write: (text) => void (output += text) }));
  }
  let hasEnded = false;
  process.status.then(() => hasEnded = true);
  const url = `http://127.0.0.1:${port}`;
  while (!await fetch(`${url}/ready`).then((response) => response.body?.cancel().then(() => true), () => false)) {
    if (hasEnded) throw new Error(`${name} ended: ${output}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    url,
    output: () => output,
    async stop() {
      process.kill("SIGTERM");
      await process.status;
    },
  };
}

/** Each function of a project with the endpoints that it serves: its own, or those that it routes. */
export async function servedEndpoints(
  project: ProjectName,
): Promise<[name: string, served: [EndpointCase, string][]][]> {
  const endpoints = await endpointsOf(project);
  return (await functionNames(project)).map((name) => {
    const own = endpoints.find((endpoint) => endpoint.name === name);
    if (own) return [name, [[own, name]]];
    const resource = RESOURCES[project];
    const routed = endpoints.filter(({ paths }) => paths[0].startsWith(`${resource}/`));
    if (name === resource) return [name, routed.map((endpoint) => [endpoint, endpoint.paths[0]])];
    // The gateway: its addresses for servers are those of the specification.
    const served = routed.filter(({ name }) => name.startsWith(`${resource}-`));
    return [name, served.map((endpoint) => [endpoint, endpoint.paths[0].replace(`${resource}/`, `${name}/servers/`)])];
  });
}

/** An OpenBao server with KV version 2, a raft store on disk and a file audit device, as a target of the load. */

import { CliError } from "../../cli/error.ts";
import { freePort } from "../../stack/ready.ts";
import { eventually } from "../../test/resilience/processes/running.ts";
import { TURNS } from "../support/load.ts";
import type { BenchTarget } from "../endpoints/targets.ts";

const START_MS = 20_000;
const SECRET = { api_key: "AKIAIOSFODNN7EXAMPLE", secret_key: "k".repeat(40) };

/** Starts the program in a temporary folder, and returns the targets that write and read a secret. */
export async function startOpenBao(program: string, resources: AsyncDisposableStack): Promise<BenchTarget[]> {
  const folder = await Deno.makeTempDir();
  resources.defer(() => Deno.remove(folder, { recursive: true }));
  const [port, clusterPort] = [freePort(), freePort()];
  await Deno.mkdir(`${folder}/raft`);
  await Deno.writeTextFile(`${folder}/bao.hcl`, configuration(folder, port, clusterPort));
  startProgram(program, folder, resources);
  const url = `http://127.0.0.1:${port}`;
  const token = await unseal(url);
  const headers = { "x-vault-token": token, "content-type": "application/json" };
  await eventually(
    START_MS,
    () => call(url, "POST", "sys/mounts/kv", { type: "kv", options: { version: "2" } }, token),
  );
  for (let turn = 0; turn < TURNS; turn++) {
    await eventually(START_MS, () => call(url, "POST", `kv/data/kept-${turn}`, { data: SECRET }, token));
  }
  const body = JSON.stringify({ data: SECRET });
  return [
    {
      name: "OpenBao write",
      url,
      request: { method: "POST", headers, body, path: "/v1/kv/data/made-{n}" },
      expected: [200],
    },
    {
      name: "OpenBao read",
      url,
      request: { method: "GET", headers, path: "/v1/kv/data/kept-{turn}" },
      expected: [200],
    },
  ];
}

function configuration(folder: string, port: number, clusterPort: number): string {
  return `storage "raft" {
  path = "${folder}/raft"
  node_id = "one"
}
listener "tcp" {
  address = "127.0.0.1:${port}"
  tls_disable = true
}
audit "file" "file" {
  options { file_path = "${folder}/audit.log" }
}
api_addr = "http://127.0.0.1:${port}"
cluster_addr = "http://127.0.0.1:${clusterPort}"
`;
}

/** @throws {CliError} if there is no such program. */
function startProgram(program: string, folder: string, resources: AsyncDisposableStack): void {
  try {
    const process = new Deno.Command(program, {
      args: ["server", `-config=${folder}/bao.hcl`],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    resources.defer(async () => {
      process.kill("SIGKILL");
      await process.status;
    });
  } catch (error) {
    throw new CliError(`${program} does not start (${error}): give the path of OpenBao's program`);
  }
}

/** Initializes the server with one key, and returns its root token. */
async function unseal(url: string): Promise<string> {
  const { keys, root_token } = await eventually(
    START_MS,
    () => call(url, "PUT", "sys/init", { secret_shares: 1, secret_threshold: 1 }),
  );
  if (!Array.isArray(keys) || typeof root_token !== "string") throw new CliError("OpenBao answered without keys");
  await call(url, "PUT", "sys/unseal", { key: keys[0] });
  return root_token;
}

/** @throws {CliError} unless the answer is a success. */
async function call(
  url: string,
  method: string,
  path: string,
  body: unknown,
  token?: string,
): Promise<Record<string, unknown>> {
  const response = await fetch(`${url}/v1/${path}`, {
    method,
    headers: token === undefined ? {} : { "x-vault-token": token },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new CliError(`OpenBao answered ${response.status} at ${path}: ${text}`);
  return text === "" ? {} : JSON.parse(text);
}

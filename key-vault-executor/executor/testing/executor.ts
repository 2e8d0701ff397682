/** An Executor on loopback for tests: the real endpoint, sandbox and processes, with a hub's key and made-up credentials. */

import { Client, StreamableHTTPClientTransport, type VersionNegotiationMode } from "@modelcontextprotocol/client";
import { Catalog } from "../processes/catalog.ts";
import type { CredentialSource, ServerCredential } from "../launch/credentials.ts";
import type { Subject } from "shared/decision/decision.ts";
import { makeEndpoint } from "../http/endpoint.ts";
import { packageStores } from "../launch/packages/stores.ts";
import type { PackageStore } from "../launch/packages/packages.ts";
import { makePrepare } from "../launch/prepare.ts";
import { findCommands } from "../launch/program.ts";
import { Replays } from "../http/replays.ts";
import type { TimeLimits } from "../processes/running_server.ts";
import { Supervisor, type SupervisorOptions } from "../processes/supervisor.ts";
import { makeFolder, makeHub, type TestHub, testSandbox } from "./make.ts";

export interface ExecutorOptions {
  supervisor?: Partial<SupervisorOptions>;
  limits?: Partial<TimeLimits>;
  credentials?: CredentialSource;
  network?: string[];
  listMs?: number;
  /** What servers may be started with. */
  commands?: string[];
  /** Who may decide; absent: a new hub. */
  hub?: TestHub;
}

export interface TestExecutor extends AsyncDisposable {
  url: string;
  hub: TestHub;
  folder: string;
  packages: PackageStore;
  pythonPackages: PackageStore;
  supervisor: Supervisor;
  log: Record<string, unknown>[];
  /** An MCP client whose every request has a new decision about the subject. */
  connect(subject: Partial<Subject>, mode?: VersionNegotiationMode): Promise<Client>;
}

export const COMMANDS = ["node", "npx", "deno", "python3=/usr/bin/python3"];

export const SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/** The credential of every service: what a tenant has stored. */
export const CREDENTIAL: Omit<ServerCredential, "service"> = {
  credential_type: "api_key",
  credentials: { api_key: SECRET },
};

export async function startExecutor(options: ExecutorOptions = {}): Promise<TestExecutor> {
  const folder = await makeFolder();
  const scripts = `${folder}/servers`;
  await Deno.mkdir(scripts);
  for (const name of ["misbehave.mjs", "library.mjs"]) {
    await Deno.copyFile(new URL(`./fixtures/${name}`, import.meta.url), `${scripts}/${name}`);
  }
  const commands = await findCommands(options.commands ?? COMMANDS, "/usr/bin:/bin");
  const stores = packageStores(`${folder}/packages`, commands);
  const credentials = options.credentials ?? (({ service }) => Promise.resolve([{ service, ...CREDENTIAL }]));
  const sandbox = { ...await testSandbox(), network: options.network ?? [] };
  const prepare = makePrepare({ programs: { commands, ...stores, scripts }, sandbox, credentials });
  const supervisor = new Supervisor(prepare, options.supervisor);
  const hub = options.hub ?? await makeHub();
  const log: Record<string, unknown>[] = [];
  const endpoint = makeEndpoint({
    supervisor,
    catalog: new Catalog(supervisor, options.listMs),
    limits: { callMs: 20_000, totalMs: 60_000, ...options.limits },
    verifyKeys: hub.verifyKeys,
    replays: new Replays(),
    log: (line) => void log.push(JSON.parse(line)),
    isReady: () => true,
  });
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, endpoint);
  const url = `http://127.0.0.1:${server.addr.port}`;
  return {
    url,
    hub,
    folder,
    ...stores,
    supervisor,
    log,
    connect: (subject, mode = "auto") => connect(url, hub, subject, mode),
    async [Symbol.asyncDispose]() {
      await supervisor.close();
      await server.shutdown();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

async function connect(url: string, hub: TestHub, subject: Partial<Subject>, mode: VersionNegotiationMode) {
  const transport = new StreamableHTTPClientTransport(new URL(`${url}/mcp`), {
    fetch: async (input, init) => {
      const headers = new Headers(init?.headers);
      const body = typeof init?.body === "string" ? init.body : "";
      const token = hub.sign({ ...subject, jti: crypto.randomUUID() }, body);
      headers.set("authorization", `Bearer ${token}`);
      return await fetch(input, { ...init, headers });
    },
  });
  const client = new Client({ name: "test", version: "1" }, { versionNegotiation: { mode } });
  await client.connect(transport);
  return client;
}

/** The first text of what a tool answers. */
export async function callTool(client: Client, name: string, args: Record<string, unknown> = {}): Promise<string> {
  const { content } = await client.callTool({ name, arguments: args });
  const [first] = content;
  return first?.type === "text" ? first.text : "";
}

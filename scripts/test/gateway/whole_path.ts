/** The whole path for tests: hub with gateway, vault and Executor, as `deno task start` runs them, with one agent's key. */

import { fileURLToPath } from "node:url";
import { startStack } from "../../stack/stack.ts";
import { makeStackFolder, removeStackFolder, throwAwayOptions } from "../../stack/throw_away.ts";

export interface WholePath extends AsyncDisposable {
  /** Where MCP clients connect. */
  url: string;
  key: string;
  /** Makes a script of servers/ one that tenants may register. */
  addScript(name: string): Promise<void>;
  register(server: Record<string, unknown>): Promise<void>;
}

/** Pinned, as the tests read its answers. */
export const EVERYTHING = {
  server_id: "everything",
  name: "Everything",
  command: "npx",
  args: ["-y", "@modelcontextprotocol/server-everything@2026.8.31"],
  tool_prefix: "everything.",
};

export async function startWholePath(): Promise<WholePath> {
  const folder = await makeStackFolder();
  const { file, stop } = await startStack(throwAwayOptions("pglite", folder));
  const key = file.organizations[0]?.tenants[0]?.api_key ?? "";
  return {
    url: file.gateway.url,
    key,
    async addScript(name) {
      const from = fileURLToPath(new URL(`servers/${name}`, import.meta.url));
      await Deno.copyFile(from, `${file.executor?.servers}/${name}`);
    },
    async register(server) {
      const response = await fetch(`${file.gateway.url}/servers/register`, {
        method: "POST",
        headers: { "x-api-key": key, "content-type": "application/json" },
        body: JSON.stringify(server),
      });
      if (response.status !== 201) throw new Error(await response.text());
      await response.body?.cancel();
    },
    async [Symbol.asyncDispose]() {
      await stop();
      await removeStackFolder(folder);
    },
  };
}

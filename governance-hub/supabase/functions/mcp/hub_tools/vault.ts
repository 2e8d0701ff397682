/** Sends a tool's request on to the vault. The values in it go in: no answer of these endpoints has them. */

import { noVault, unavailable } from "shared/api_error.ts";
import { fetchWithoutRedirect } from "shared/database/data_api.ts";
import { type Answer, type Handler, respond } from "shared/http/respond.ts";
import { hub } from "../../_shared/hub.ts";

/** In milliseconds: above the six seconds that the vault takes at most. */
const VAULT_MS = 10_000;

/** A handler in the place of the vault's own. Its log line names the tool, and has the vault's request id. */
export function forwardToVault(tool: string): Handler {
  return { fetch: (request) => respond(hub, tool, request, () => forward(request)) };
}

async function forward(request: Request): Promise<Answer> {
  const { vaultUrl } = await hub.environment();
  if (vaultUrl === undefined) throw noVault();
  const { pathname, search } = new URL(request.url);
  try {
    const response = await fetchWithoutRedirect(`${vaultUrl}/functions/v1${pathname}${search}`, {
      method: request.method,
      headers: request.headers,
      body: request.method === "GET" ? null : await request.text(),
      signal: AbortSignal.timeout(VAULT_MS),
    });
    return { status: response.status, json: JSON.stringify(await response.json()) };
  } catch (error) {
    // The error's own message is left out: it may quote the answer.
    const reason = error instanceof Error ? error.name : "unknown";
    throw unavailable(`the vault gave no answer of its form (${reason}): check VAULT_URL`);
  }
}

/** `database-role`: a new password of the role by which the functions connect to their database. */

import { encodeHex } from "@std/encoding/hex";
import type { Command } from "commander";
import * as z from "zod/mini";
import { CliError } from "../../../cli/error.ts";
import { print } from "../../../cli/output.ts";
import { callHub, callVault } from "../../client/connection/call.ts";
import { scramVerifier } from "../../client/scram.ts";
import { example, readContext } from "../../command.ts";

const ROLE = "function_caller";

const HELP = `
Supabase shows a project's address under Connect. Take the session pooler's (port 5432) or the transaction
pooler's (port 6543) of that project. The role and the password in it are replaced. Put what this prints into
the secrets of the functions: DATABASE_URL, and the hub's also into the vault's REPO_B_DATABASE_URL.
Functions that use the old password are answered 503 until they have the new one.`;

export function addDatabaseRoleCommand(program: Command): void {
  program.command("database-role").description("set the password of function_caller, and print its DATABASE_URL")
    .argument("<project>", "hub or vault")
    .requiredOption("--address <url>", "the database's address: postgresql://user:password@host:port/database")
    .addHelpText(
      "after",
      HELP + example("database-role hub --address postgresql://postgres.<ref>@<host>:5432/postgres"),
    )
    .action((project: string, options: { address: string }, command: Command) => setRole(project, options, command));
}

async function setRole(project: string, { address }: { address: string }, command: Command): Promise<void> {
  const password = encodeHex(crypto.getRandomValues(new Uint8Array(32)));
  const databaseUrl = addressOf(address, password);
  const { json, target } = await readContext(command);
  const verifier = await scramVerifier(password);
  const answer = z.object({ role: z.literal(ROLE) });
  if (project === "hub") await callHub(target.hub, "set_caller_password", { verifier }, answer);
  else if (project === "vault") await callVault(target.vault(), "set_caller_password", { verifier }, answer);
  else throw new CliError(`the project must be hub or vault, not ${project}`);
  print(json, { role: ROLE, database_url: databaseUrl }, `DATABASE_URL=${databaseUrl}`);
}

/** The address with our role and password. A pooler of Supabase takes the project's reference after the role's name. */
function addressOf(address: string, password: string): string {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (!url || !/^postgres(ql)?:$/.test(url.protocol) || url.hostname === "" || url.pathname.length < 2) {
    throw new CliError("--address must be a database's address: postgresql://user:password@host:port/database");
  }
  const [, reference] = decodeURIComponent(url.username).split(".");
  url.username = reference === undefined ? ROLE : `${ROLE}.${reference}`;
  url.password = password;
  return url.href;
}

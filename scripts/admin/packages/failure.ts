/** Why a package was not installed, from what npm or uv said. */

import type { PackageSpec } from "key-vault-executor/executor/launch/packages/packages.ts";
import type { ToolCallError } from "key-vault-executor/executor/tool_call_error.ts";

/** One sentence for the operator of the Executor. */
export function explainFailure({ name, version }: PackageSpec, { message, cause }: ToolCallError): string {
  const said = typeof cause === "string" ? cause : "";
  if (said === "NotFound") return `${message.match(/since (\w+) is/)?.[1]} is not installed: install it and try again`;
  if (/\bE404\b|not found in the package registry/.test(said)) return `the registry has no package ${name}`;
  if (/\bETARGET\b|there is no version of/.test(said)) return `the registry has no ${name}@${version ?? "latest"}`;
  const line = said.split("\n").map((each) => each.replace(/^(?:npm error|error:|[×╰─▶ ]+)\s*/, "").trim())
    .find((each) => each !== "" && !/^code /.test(each));
  return line === undefined ? message : `${name} was not installed: ${line.slice(0, 300)}`;
}

/** A server's arguments must not contain secrets: anyone who may list the tenant's servers can read them. */

import { ApiError } from "shared/api_error.ts";
import { findSecret } from "./secret_forms.ts";

export const SECRET_IN_ARGS =
  "an argument contains a secret; store it in the vault (credentials/store), and let the server " +
  "retrieve it from there (credentials/retrieve)";

/** @throws {ApiError} `secret_in_args`. It names the argument and the form, and never the secret. */
export function refuseSecrets(args: readonly string[]): void {
  const found = findSecret(args);
  if (found === undefined) return;
  throw new ApiError("secret_in_args", SECRET_IN_ARGS, {
    fields: [{ path: "args", message: `args[${found.index}] holds ${found.form}` }],
  });
}

/** A server's arguments hold no secret: anyone who may list the tenant's servers reads them. */

import { ApiError } from "shared/api_error.ts";
import { findSecret } from "./secret_forms.ts";

export const SECRET_IN_ARGS =
  "an argument holds a secret; store it in the vault (credentials/store), and let the server " +
  "fetch it from there (credentials/retrieve)";

/** @throws {ApiError} `secret_in_args`, which tells the argument and the form, and nothing of the secret. */
export function refuseSecrets(args: readonly string[]): void {
  const found = findSecret(args);
  if (found === undefined) return;
  throw new ApiError("secret_in_args", SECRET_IN_ARGS, {
    fields: [{ path: "args", message: `args[${found.index}] holds ${found.form}` }],
  });
}

/** A server's arguments must not contain secrets: anyone who may list the tenant's servers can read them. */

import { secretInArgs } from "shared/api_error.ts";
import { findSecret } from "./secret_forms.ts";

/** @throws {ApiError} `secret_in_args`. It names the argument and the form, and never the secret. */
export function refuseSecrets(args: readonly string[]): void {
  const found = findSecret(args);
  if (found !== undefined) throw secretInArgs(found.index, found.form);
}

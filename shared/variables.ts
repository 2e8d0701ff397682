/** The variables of both projects. The table in scripts/README.md, `check-config` and the functions' errors use these texts. */

import { KERNEL_SECRET_FORM } from "./auth/api_key.ts";
import { VERIFY_KEYS_FORM } from "./decision/decision_keys.ts";

export interface Variable {
  project: "both" | "hub" | "vault";
  /** When it must be set: always, no, or a condition; "given" if the platform sets it. */
  required: string;
  meaning: string;
  /** The form of its value. */
  form: string;
}

const GIVEN = "given";

export const VARIABLES = {
  CREDENTIAL_ENCRYPTION_KEY: {
    project: "vault",
    required: "always",
    meaning: "seals",
    form: "32 bytes in hex or base64 (new vault: openssl rand -hex 32)",
  },
  CREDENTIAL_ENCRYPTION_PREVIOUS_KEYS: {
    project: "vault",
    required: "no",
    meaning: "only open",
    form: "comma-separated keys of 32 bytes, hex or base64",
  },
  DATABASE_URL: {
    project: "both",
    required: "no",
    meaning: "calls the database directly",
    form: "what admin database-role prints",
  },
  DATABASE_CA: {
    project: "both",
    required: "for a private authority",
    meaning: "verifies the database",
    form: "its certificate in PEM, line breaks as \\n",
  },
  DECISION_SIGNING_KEY: {
    project: "hub",
    required: "for the gateway",
    meaning: "signs what Executors may do",
    form: "an Ed25519 private key, 43 characters of base64url",
  },
  DECISION_VERIFY_KEYS: {
    project: "vault",
    required: "for the Executor",
    meaning: "verify decisions",
    form: VERIFY_KEYS_FORM,
  },
  EXECUTOR_URLS: {
    project: "hub",
    required: "for the gateway",
    meaning: "where the Executors are",
    form: "https:// addresses, comma-separated (http:// on this machine)",
  },
  KERNEL_HMAC_SECRET: {
    project: "both",
    required: "for kernels",
    meaning: "equal in both",
    form: KERNEL_SECRET_FORM,
  },
  REPO_B_URL: {
    project: "vault",
    required: "without REPO_B_DATABASE_URL",
    meaning: "where the hub is",
    form: "the hub's https:// URL (locally http://)",
  },
  REPO_B_DATABASE_URL: {
    project: "vault",
    required: "no",
    meaning: "calls the hub's database directly",
    form: "the hub's DATABASE_URL",
  },
  REPO_B_DATABASE_CA: {
    project: "vault",
    required: "for a private authority",
    meaning: "verifies the hub's database",
    form: "the hub's DATABASE_CA",
  },
  REPO_B_SERVICE_KEY: {
    project: "vault",
    required: "with REPO_B_URL: either key",
    meaning: "calls the hub's database",
    form: "the hub's secret key",
  },
  REPO_B_ANON_KEY: {
    project: "vault",
    required: "with REPO_B_URL: either key",
    meaning: "calls the hub's authorize",
    form: "the hub's publishable key",
  },
  SUPABASE_URL: {
    project: "both",
    required: GIVEN,
    meaning: "where the project is",
    form: "the project's own address",
  },
  SUPABASE_SECRET_KEYS: {
    project: "both",
    required: GIVEN,
    meaning: "calls the database",
    form: 'JSON of the form {"default": "sb_secret_…"}',
  },
  SUPABASE_SERVICE_ROLE_KEY: {
    project: "both",
    required: GIVEN,
    meaning: "without SUPABASE_SECRET_KEYS",
    form: "the project's secret key",
  },
  VAULT_URL: {
    project: "hub",
    required: "no",
    meaning: "where the hub's tools store credentials",
    form: "the vault's https:// address (http:// on this machine)",
  },
} as const satisfies Record<string, Variable>;

export type VariableName = keyof typeof VARIABLES;

/** The variables that an operator sets for a project, by name. */
export function operatorVariables(project: "hub" | "vault"): [name: string, variable: Variable][] {
  return Object.entries<Variable>(VARIABLES).filter(([, variable]) =>
    variable.required !== GIVEN && (variable.project === "both" || variable.project === project)
  );
}

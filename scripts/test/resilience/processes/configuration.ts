/** Every variable, absent and malformed, and what the project must do then. */

import type { ProjectName } from "../../../stack/projects.ts";

/** `all`: everyone is served. `agents`: kernels get 503. `none`: everyone gets 503. */
export type Served = "all" | "agents" | "none";

export interface Configuration {
  project: ProjectName;
  title: string;
  variables: Record<string, string | undefined>;
  served: Served;
  /** What the log says to fix. Absent if the variables themselves show no fault. */
  told?: string;
}

/** Part of every malformed value, to detect a log that quotes one. */
export const MARK = "canary";

type Case = [title: string, variables: Record<string, string | undefined>, served: Served, told?: string];

const KEYLESS = { SUPABASE_SECRET_KEYS: undefined, SUPABASE_SERVICE_ROLE_KEY: undefined };

const KEYLESS_HUB = { REPO_B_SERVICE_KEY: undefined };

const EACH: Case[] = [
  ["SUPABASE_URL absent", { SUPABASE_URL: undefined }, "none", "SUPABASE_URL is not set"],
  ["SUPABASE_URL empty", { SUPABASE_URL: " " }, "none", "SUPABASE_URL is not set"],
  ["SUPABASE_URL malformed", { SUPABASE_URL: MARK }, "none", "SUPABASE_URL is malformed"],
  ["SUPABASE_URL of another scheme", { SUPABASE_URL: `ftp://${MARK}` }, "none", "SUPABASE_URL is malformed"],
  [
    "SUPABASE_SECRET_KEYS and SUPABASE_SERVICE_ROLE_KEY absent",
    KEYLESS,
    "none",
    "SUPABASE_SERVICE_ROLE_KEY is not set",
  ],
  ["SUPABASE_SECRET_KEYS malformed", { SUPABASE_SECRET_KEYS: `{${MARK}` }, "none", "SUPABASE_SECRET_KEYS is malformed"],
  [
    "SUPABASE_SECRET_KEYS without a default",
    { SUPABASE_SECRET_KEYS: `{"${MARK}":"x"}` },
    "none",
    "SUPABASE_SECRET_KEYS is malformed",
  ],
  [
    "SUPABASE_SERVICE_ROLE_KEY malformed",
    { ...KEYLESS, SUPABASE_SERVICE_ROLE_KEY: `${MARK} ü` },
    "none",
    "SUPABASE_SERVICE_ROLE_KEY is malformed",
  ],
  ["a secret key that is not the project's", { SUPABASE_SECRET_KEYS: `{"default":"sb_secret_${MARK}"}` }, "none"],
  ["KERNEL_HMAC_SECRET absent", { KERNEL_HMAC_SECRET: undefined }, "agents", "KERNEL_HMAC_SECRET is not set"],
  ["KERNEL_HMAC_SECRET malformed", { KERNEL_HMAC_SECRET: MARK }, "none", "KERNEL_HMAC_SECRET is malformed"],
  ["KERNEL_HMAC_SECRET too short", { KERNEL_HMAC_SECRET: "ab".repeat(31) }, "none", "KERNEL_HMAC_SECRET is malformed"],
];

const VAULT: Case[] = [
  ["REPO_B_URL absent", { REPO_B_URL: undefined }, "none", "REPO_B_URL is not set"],
  ["REPO_B_URL malformed", { REPO_B_URL: MARK }, "none", "REPO_B_URL is malformed"],
  ["REPO_B_URL of http:// elsewhere", { REPO_B_URL: `http://${MARK}.example` }, "none", "REPO_B_URL is malformed"],
  ["REPO_B_SERVICE_KEY absent, and so calling the hub as callers do,", KEYLESS_HUB, "all"],
  [
    "neither REPO_B_SERVICE_KEY nor KERNEL_HMAC_SECRET",
    { ...KEYLESS_HUB, KERNEL_HMAC_SECRET: undefined },
    "all",
  ],
  [
    "REPO_B_SERVICE_KEY and REPO_B_ANON_KEY absent",
    { ...KEYLESS_HUB, REPO_B_ANON_KEY: undefined },
    "none",
    "REPO_B_SERVICE_KEY is not set",
  ],
  [
    "REPO_B_SERVICE_KEY absent and REPO_B_ANON_KEY malformed",
    { ...KEYLESS_HUB, REPO_B_ANON_KEY: `${MARK} ü` },
    "none",
    "REPO_B_ANON_KEY is malformed",
  ],
  [
    "REPO_B_SERVICE_KEY malformed",
    { REPO_B_SERVICE_KEY: `${MARK}\n${MARK}` },
    "none",
    "REPO_B_SERVICE_KEY is malformed",
  ],
  ["a REPO_B_SERVICE_KEY that is not the hub's", { REPO_B_SERVICE_KEY: `sb_secret_${MARK}` }, "none"],
  ["REPO_B_ANON_KEY absent", { REPO_B_ANON_KEY: undefined }, "all"],
  ["REPO_B_ANON_KEY malformed beside REPO_B_SERVICE_KEY", { REPO_B_ANON_KEY: `${MARK} ü` }, "all"],
  [
    "CREDENTIAL_ENCRYPTION_KEY absent",
    { CREDENTIAL_ENCRYPTION_KEY: undefined },
    "none",
    "CREDENTIAL_ENCRYPTION_KEY is not set",
  ],
  [
    "CREDENTIAL_ENCRYPTION_KEY malformed",
    { CREDENTIAL_ENCRYPTION_KEY: MARK },
    "none",
    "CREDENTIAL_ENCRYPTION_KEY is malformed",
  ],
  [
    "CREDENTIAL_ENCRYPTION_KEY of 31 bytes",
    { CREDENTIAL_ENCRYPTION_KEY: "ab".repeat(31) },
    "none",
    "CREDENTIAL_ENCRYPTION_KEY is malformed",
  ],
  ["CREDENTIAL_ENCRYPTION_PREVIOUS_KEYS absent", { CREDENTIAL_ENCRYPTION_PREVIOUS_KEYS: undefined }, "all"],
  [
    "CREDENTIAL_ENCRYPTION_PREVIOUS_KEYS malformed",
    { CREDENTIAL_ENCRYPTION_PREVIOUS_KEYS: `${"ab".repeat(32)},${MARK}` },
    "none",
    "CREDENTIAL_ENCRYPTION_PREVIOUS_KEYS is malformed",
  ],
  ["DECISION_VERIFY_KEYS malformed", { DECISION_VERIFY_KEYS: MARK }, "none", "DECISION_VERIFY_KEYS is malformed"],
];

const of = (project: ProjectName) => ([title, variables, served, told]: Case): Configuration => ({
  project,
  title,
  variables,
  served,
  ...(told && { told }),
});

export const CONFIGURATIONS: Configuration[] = [
  ...EACH.map(of("governance-hub")),
  ...[...EACH, ...VAULT].map(of("key-vault-executor")),
];

/** The Executor's variables: the one place that reads them, checks them, and says how to mend them. */

import type { Lookup } from "shared/environment.ts";
import { areVerifyKeys, importVerifyKeys, VERIFY_KEYS_FORM } from "shared/decision/decision_keys.ts";
import { isSafeAddress } from "shared/loopback.ts";
import { DEFAULT_COMMANDS } from "./launch/program.ts";

export interface Settings {
  verifyKeys: CryptoKey[];
  vault: { url: string; keys: string[] };
  hostname: string;
  port: number;
  packages: string;
  installs: boolean;
  scripts: string | undefined;
  commands: string[];
  network: string[];
  memoryBytes: number;
  idleMs: number;
}

export interface Setting {
  name: string;
  meaning: string;
  need: string;
  isGood: (text: string) => boolean;
  /** Absent: it must be set. */
  fallback?: string;
}

const isWhole = (from: number, to: number) => (text: string) =>
  /^\d{1,9}$/.test(text) && Number(text) >= from && Number(text) <= to;
const isList = (text: string) => text.split(",").every((entry) => /^\S+$/.test(entry.trim()));
const isFolder = (text: string) => !text.includes("\0");

export const VARIABLES: readonly Setting[] = [
  {
    name: "DECISION_VERIFY_KEYS",
    meaning: "the hub's public keys, comma-separated: who may decide",
    need: VERIFY_KEYS_FORM,
    isGood: areVerifyKeys,
  },
  {
    name: "VAULT_URL",
    meaning: "where the vault is",
    need: "the vault's https:// address (http:// on this machine)",
    isGood: isSafeUrl,
  },
  {
    name: "EXECUTOR_KEY",
    meaning:
      "the Executor's own kernel keys, with the scope credentials:use: of each organization one, comma-separated",
    need: "a kernel's key: krn_… (or several, comma-separated)",
    isGood: (text) => text.split(",").every((key) => /^krn_[A-Za-z0-9]{49}$/.test(key.trim())),
  },
  {
    name: "EXECUTOR_HOST",
    meaning: "the address to listen on",
    need: "an address of this machine",
    isGood: (text) => /^[A-Za-z0-9.:-]+$/.test(text),
    fallback: "127.0.0.1",
  },
  {
    name: "EXECUTOR_PORT",
    meaning: "the port to listen on; 0 chooses one",
    need: "a port, 0 to 65535",
    isGood: isWhole(0, 65535),
    fallback: "56321",
  },
  {
    name: "EXECUTOR_PACKAGES",
    meaning: "the folder of installed packages",
    need: "a folder",
    isGood: isFolder,
    fallback: ".local/packages",
  },
  {
    name: "EXECUTOR_INSTALL",
    meaning: "on-use: a package that is not there is installed when it is first called",
    need: "never or on-use",
    isGood: (text) => text === "never" || text === "on-use",
    fallback: "never",
  },
  {
    name: "EXECUTOR_SERVERS",
    meaning: "the folder of scripts that servers may be; empty: no scripts",
    need: "a folder",
    isGood: isFolder,
    fallback: "",
  },
  {
    name: "EXECUTOR_COMMANDS",
    meaning: "what servers may be started with; a path may follow: python3=/opt/python/bin/python3",
    need: "names, comma-separated",
    isGood: isList,
    fallback: DEFAULT_COMMANDS.join(","),
  },
  {
    name: "EXECUTOR_NETWORK",
    meaning: "packages and scripts that reach the host's network, its loopback included; * for all",
    need: "names, comma-separated",
    isGood: (text) => text === "" || isList(text),
    fallback: "",
  },
  {
    name: "EXECUTOR_MEMORY_MB",
    meaning: "what each process of a server may use",
    need: "a number, 64 to 1000000",
    isGood: isWhole(64, 1_000_000),
    fallback: "1024",
  },
  {
    name: "EXECUTOR_IDLE_SECONDS",
    meaning: "after so long without a call a server's process is ended",
    need: "a number, 1 to 86400",
    isGood: isWhole(1, 86_400),
    fallback: "600",
  },
];

/** What is wrong with a variable, and what it must be. It never holds the value. */
export interface SettingFault {
  variable: string;
  state: "not set" | "malformed";
  need: string;
}

export function findFaults(lookup: Lookup): SettingFault[] {
  return VARIABLES.flatMap(({ name, need, isGood, fallback }): SettingFault[] => {
    const text = read(lookup, name) ?? fallback;
    if (text === undefined) return [{ variable: name, state: "not set", need }];
    return isGood(text) ? [] : [{ variable: name, state: "malformed", need }];
  });
}

/** @throws {SettingsError} */
export async function readSettings(lookup: Lookup): Promise<Settings> {
  const faults = findFaults(lookup);
  if (faults.length > 0) {
    throw new SettingsError(faults.map(({ variable, state, need }) => `${variable} is ${state}: it must be ${need}`));
  }
  const text = (name: string) => read(lookup, name) ?? VARIABLES.find((each) => each.name === name)?.fallback ?? "";
  const list = (name: string) => text(name).split(",").map((entry) => entry.trim()).filter((entry) => entry !== "");
  const verifyKeys = await importVerifyKeys(text("DECISION_VERIFY_KEYS"));
  if (verifyKeys === undefined) throw new SettingsError(["DECISION_VERIFY_KEYS holds something that is no public key"]);
  return {
    verifyKeys,
    vault: { url: text("VAULT_URL").replace(/\/+$/, ""), keys: list("EXECUTOR_KEY") },
    hostname: text("EXECUTOR_HOST"),
    port: Number(text("EXECUTOR_PORT")),
    packages: text("EXECUTOR_PACKAGES"),
    installs: text("EXECUTOR_INSTALL") === "on-use",
    scripts: text("EXECUTOR_SERVERS") || undefined,
    commands: list("EXECUTOR_COMMANDS"),
    network: list("EXECUTOR_NETWORK"),
    memoryBytes: Number(text("EXECUTOR_MEMORY_MB")) * 2 ** 20,
    idleMs: Number(text("EXECUTOR_IDLE_SECONDS")) * 1000,
  };
}

export class SettingsError extends Error {
  override name = "SettingsError";

  constructor(readonly faults: string[]) {
    super(faults.join("\n"));
  }
}

/** A variable that is set to nothing, as an env file does with `NAME=`, is not set. */
function read(lookup: Lookup, name: string): string | undefined {
  return lookup(name)?.trim() || undefined;
}

function isSafeUrl(text: string): boolean {
  return URL.canParse(text) && isSafeAddress(new URL(text));
}

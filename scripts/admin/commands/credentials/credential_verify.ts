/** `credential verify`: opens every credential, and reports which cannot be opened and why. It never shows a value. */

import type { Command } from "commander";
import type { Keyring } from "shared/crypto/keyring.ts";
import { CliError } from "../../../cli/error.ts";
import type { ProjectAccess } from "../../client/connection/call.ts";
import { example, readContext } from "../../command.ts";
import {
  addKeyOptions,
  describeKeys,
  type KeyringOptions,
  type KeyUse,
  readKeys,
  useOf,
} from "../../rotation/encryption_keys.ts";
import { findTenantId } from "../../client/find.ts";
import { count, print } from "../../../cli/output.ts";
import { startProgress } from "../../../cli/progress.ts";
import { readInventory, tryOpen } from "../../rotation/rotation.ts";
import { readSealedPages, type SealedCredential } from "../../rotation/sealed_credentials.ts";
import { stoppable, Stopped } from "../../../cli/stop.ts";
import {
  addUnreadable,
  ALTERED,
  describeUnreadable,
  NOT_CONFIGURED,
  type UnreadableList,
} from "../../rotation/unreadable.ts";

interface Verification {
  opened: number;
  unreadable: UnreadableList;
  isStopped: boolean;
}

export function addCredentialVerify(group: Command): void {
  addKeyOptions(group.command("verify"))
    .description("open every credential and list those that cannot be opened; exits with 1 if there are any")
    .argument("[tenant]", "only for this tenant: its id, its name or organization/name")
    .addHelpText("after", example("credential verify --env-file key-vault-executor/.env"))
    .action((tenant: string | undefined, options: KeyringOptions, command: Command) =>
      verify(tenant, options, command)
    );
}

async function verify(reference: string | undefined, options: KeyringOptions, command: Command): Promise<void> {
  const { json, target } = await readContext(command);
  const keyring = await readKeys(options, target);
  const tenantId = reference === undefined ? undefined : await findTenantId(target.hub, reference);
  const vault = target.vault();
  const keys = useOf(keyring, await readInventory(vault));
  const { opened, unreadable, isStopped } = await stoppable((stop) => openAll(vault, keyring, keys, tenantId, stop));
  const value = {
    stopped: isStopped,
    opened,
    unreadable_count: unreadable.count,
    unreadable: unreadable.named,
    encryption_keys: keys,
  };
  const headline = `${count(opened, "credential")} opened, ${
    unreadable.count.toLocaleString("en")
  } could not be opened.`;
  print(json, value, [headline, "", ...describeUnreadable(unreadable), ...describeKeys(keys)]);
  if (isStopped) throw new Stopped("stopped before the end");
  if (unreadable.count > 0) throw new CliError(`${count(unreadable.count, "credential")} cannot be opened`);
}

async function openAll(
  vault: ProjectAccess,
  keyring: Keyring,
  keys: KeyUse[],
  tenantId: string | undefined,
  stop: AbortSignal,
): Promise<Verification> {
  const verification: Verification = { opened: 0, unreadable: { count: 0, named: [] }, isStopped: false };
  const progress = startProgress("verifying", keys.reduce((sum, key) => sum + key.credentials, 0));
  try {
    // The current key comes last, because a rotation that runs meanwhile moves credentials to it.
    for (const { id } of keys.toReversed()) {
      for await (const page of readSealedPages(vault, id, stop)) {
        const wanted = page.filter(({ tenant_id }) => tenantId === undefined || tenant_id === tenantId);
        for (const credential of wanted) await check(keyring, credential, verification);
        progress.add(page.length);
      }
    }
  } finally {
    progress.end();
  }
  return { ...verification, isStopped: stop.aborted };
}

async function check(keyring: Keyring, credential: SealedCredential, verification: Verification): Promise<void> {
  if (keyring.find(credential.encryption_key_id) === undefined) {
    addUnreadable(verification.unreadable, credential, NOT_CONFIGURED);
  } else if (await tryOpen(keyring, credential) === undefined) {
    addUnreadable(verification.unreadable, credential, ALTERED);
  } else {
    verification.opened += 1;
  }
}

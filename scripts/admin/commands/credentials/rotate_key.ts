/** `rotate-key`: re-seals every credential that is not under the current encryption key. */

import type { Command } from "commander";
import type { Keyring } from "shared/crypto/keyring.ts";
import { CliError } from "../../../cli/error.ts";
import type { ProjectAccess } from "../../client/connection/call.ts";
import { example, readContext } from "../../command.ts";
import { confirm } from "../../../cli/confirm.ts";
import {
  addKeyOptions,
  describeKeys,
  type KeyringOptions,
  type KeyUse,
  readKeys,
  total,
  useOf,
} from "../../rotation/encryption_keys.ts";
import { count, note, print } from "../../../cli/output.ts";
import { left, readInventory, rotate, type Rotation } from "../../rotation/rotation.ts";
import { stoppable, Stopped } from "../../../cli/stop.ts";
import { describeUnreadable } from "../../rotation/unreadable.ts";

const HELP = `
Deploy the new key first: the new one in CREDENTIAL_ENCRYPTION_KEY, the old one in
CREDENTIAL_ENCRYPTION_PREVIOUS_KEYS. You can stop the command at any time and run it again. Agents can
store and retrieve credentials while it runs. Remove a previous key when the command says that you can.

Exits with 1 if it cannot re-seal a credential, and with 130 after Ctrl-C.`;

interface RotateKeyOptions extends KeyringOptions {
  dryRun?: boolean;
  yes?: boolean;
}

/** What a run did, and what is left. */
interface RotationOutcome extends Omit<Rotation, "requestId"> {
  requestId: string | null;
  dryRun: boolean;
  isStopped: boolean;
}

export function addRotateKeyCommand(program: Command): void {
  addKeyOptions(program.command("rotate-key"))
    .description("re-seal every credential that is not under the current encryption key")
    .option("--dry-run", "show what would change, without changing it")
    .option("--yes", "do not ask for confirmation when no credential is under the current key yet")
    .addHelpText("after", HELP + "\n" + example("rotate-key --env-file key-vault-executor/.env"))
    .action((options: RotateKeyOptions, command: Command) => rotateKey(options, command));
}

async function rotateKey(options: RotateKeyOptions, command: Command): Promise<void> {
  const { json, target } = await readContext(command);
  const keyring = await readKeys(options, target);
  const vault = target.vault();
  const before = useOf(keyring, await readInventory(vault));
  const dryRun = options.dryRun ?? false;
  await announce(json, before, dryRun || (options.yes ?? false));
  const outcome = dryRun || total(before, "previous") === 0
    ? { requestId: null, resealed: 0, unreadable: { count: 0, named: [] }, keys: before, dryRun, isStopped: false }
    : await run(vault, keyring, before);
  report(json, keyring, before, outcome);
}

async function run(vault: ProjectAccess, keyring: Keyring, before: KeyUse[]): Promise<RotationOutcome> {
  return await stoppable(async (stop) => {
    const rotation = await rotate(vault, keyring, before, stop).catch((error) => {
      if (!(error instanceof CliError)) throw error;
      throw new CliError(`${error.message}; re-sealed credentials are kept: run rotate-key again to continue`);
    });
    return { ...rotation, dryRun: false, isStopped: stop.aborted };
  });
}

/** Warns about a key without credentials: it may not be deployed, and nobody may have a copy. */
async function announce(json: boolean, keys: KeyUse[], yes: boolean): Promise<void> {
  const [current] = keys;
  if (current === undefined || total(keys, "previous") === 0) return;
  note(json, `The current key is ${current.id}.`);
  if (current.credentials > 0) return;
  note(
    json,
    "No credential is under it yet. Deploy the key first: a function without it answers 503 for re-sealed " +
      "credentials. Keep a copy: without the key, all credentials are lost.",
  );
  if (!yes) await confirm(`Type ${current.id} to continue:`, current.id);
}

function report(json: boolean, keyring: Keyring, before: KeyUse[], outcome: RotationOutcome): void {
  const { requestId, resealed, unreadable, keys, dryRun, isStopped } = outcome;
  const toReseal = total(before, "previous");
  const value = {
    dry_run: dryRun,
    stopped: isStopped,
    current: keyring.currentId,
    request_id: requestId,
    to_reseal: toReseal,
    resealed,
    unreadable_count: unreadable.count,
    unreadable: unreadable.named,
    encryption_keys: keys,
  };
  print(
    json,
    value,
    [headline(toReseal, outcome), "", ...describeUnreadable(unreadable), ...describeKeys(keys)],
  );
  if (isStopped) throw new Stopped("stopped; run rotate-key again to continue");
  const problems = findProblems(outcome);
  if (problems.length > 0) {
    throw new CliError(`not every credential is under the current key: ${problems.join("; ")}`);
  }
}

function headline(toReseal: number, { resealed, dryRun, isStopped }: RotationOutcome): string {
  if (dryRun) return `Would re-seal ${count(toReseal, "credential")}; nothing was changed.`;
  if (toReseal === 0) return "There is nothing to re-seal.";
  if (isStopped) return `Stopped: ${resealed.toLocaleString("en")} of ${count(toReseal, "credential")} re-sealed.`;
  return `Re-sealed ${count(resealed, "credential")}.`;
}

function findProblems(outcome: RotationOutcome): string[] {
  const { unreadable, keys, dryRun } = outcome;
  const problems: string[] = [];
  if (unreadable.count > 0) {
    problems.push(`${count(unreadable.count, "credential")} cannot be opened: store them again`);
  }
  const unknown = keys.filter(({ state }) => state === "not configured");
  if (unknown.length > 0) {
    problems.push(
      `${count(total(keys, "not configured"), "credential")} under ${unknown.map(({ id }) => id).join(", ")}, ` +
        "not configured: add the keys with these ids to CREDENTIAL_ENCRYPTION_PREVIOUS_KEYS, and run rotate-key again",
    );
  }
  const remaining = dryRun ? 0 : left(outcome);
  if (remaining > 0) {
    problems.push(
      `${count(remaining, "credential")} stored during the run under a previous key, by a function that still ` +
        "uses it: deploy the new key first, and run rotate-key again",
    );
  }
  return problems;
}

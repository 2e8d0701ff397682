import { assert, assertEquals } from "@std/assert";
import { adminProcess, note, OLD_KEY, vaultSql } from "../support/admin/program.ts";
import { insert, refill, tenantId } from "../support/admin/vault.ts";

const FEW = 1000;
const MANY = 100_000;
/** The allowed ratio of the peak at many credentials to the peak at few. */
const MAX_RATIO = 1.2;

/** Re-seals this many credentials. Returns the command's time and peak resident memory in kB, as Linux reports it. */
async function rotate(amount: number): Promise<{ peak: number; seconds: number }> {
  await refill({});
  for (let batch = 0; batch * 5000 < amount; batch++) await insert(OLD_KEY, Math.min(amount, 5000), `${batch}-`);
  const command = adminProcess(["rotate-key", "--yes", "--json"], { CREDENTIAL_ENCRYPTION_PREVIOUS_KEYS: OLD_KEY });
  const begun = performance.now();
  const process = command.spawn();
  let hasEnded = false;
  const ended = process.output().finally(() => hasEnded = true);
  let peak = 0;
  while (!hasEnded) {
    const status = await Deno.readTextFile(`/proc/${process.pid}/status`).catch(() => "");
    peak = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? peak);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const { code, out, err } = note(await ended);
  assertEquals([code, JSON.parse(out).resealed], [0, amount], err);
  return { peak, seconds: (performance.now() - begun) / 1000 };
}

Deno.test({
  name: `rotate-key takes no more memory for ${MANY} credentials than for ${FEW}, within a fifth`,
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await vaultSql`select public.set_credential_quota(${tenantId}, ${MANY})`;
    // The first run compiles the command, which needs additional memory.
    await rotate(1);
    const few = await rotate(FEW);
    const many = await rotate(MANY);
    const ratio = many.peak / few.peak;
    const figures =
      `${MANY} credentials in ${many.seconds.toFixed(1)} s, ${Math.round(MANY / many.seconds)} a second; ` +
      `peak ${many.peak} kB, ${ratio.toFixed(2)} × the ${few.peak} kB at ${FEW}`;
    // deno-lint-ignore no-console -- figures that the README quotes
    console.log(figures);
    assert(few.peak > 0 && ratio <= MAX_RATIO, figures);
  },
});

import { assert, assertEquals } from "@std/assert";
import { limitTime } from "./time_limit.ts";

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Milliseconds until the limit is over. */
function waitFor(ms: number): Promise<number> {
  const begun = performance.now();
  const limit = limitTime(ms);
  return new Promise((resolve) => limit.whenOver(() => resolve(performance.now() - begun)));
}

Deno.test("a time limit is over after its time, and not much later, also beside others", async () => {
  const [short = 0, long = 0] = await Promise.all([waitFor(60), waitFor(220)]);
  assert(short >= 60 && short < 200, `${short}`);
  assert(long >= 220 && long < 400, `${long}`);
});

Deno.test("a limit that was ended does nothing, and leaves no timer behind", { sanitizeOps: true }, async () => {
  let over = 0;
  const limits = [limitTime(10), limitTime(10)];
  for (const limit of limits) limit.whenOver(() => over++);
  for (const limit of limits) limit.end();
  await pause(150);
  assertEquals(over, 0);
});

Deno.test("only the last action runs, once, and at once if the time is over already", async () => {
  const ran: string[] = [];
  const limit = limitTime(20);
  limit.whenOver(() => ran.push("first"));
  limit.whenOver(() => ran.push("second"));
  await pause(150);
  assertEquals(ran, ["second"]);
  limit.whenOver(() => ran.push("third"));
  assertEquals(ran, ["second", "third"]);
  limit.end();
});

Deno.test("an action may start and end limits", async () => {
  const outer = limitTime(10);
  const { promise, resolve } = Promise.withResolvers<string>();
  outer.whenOver(() => {
    const inner = limitTime(10);
    inner.whenOver(() => resolve("inner"));
    outer.end();
  });
  assertEquals(await promise, "inner");
});

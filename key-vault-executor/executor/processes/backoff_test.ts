import { assert, assertEquals } from "@std/assert";
import { backoffMs } from "./backoff.ts";

Deno.test("backoffMs() doubles from its first value to its limit", () => {
  const delays = [1, 2, 3, 4, 5, 6, 7, 8, 2000].map((failures) => backoffMs(failures, 1000, 60_000, () => 0));
  assertEquals(delays, [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
});

Deno.test("backoffMs() adds up to a quarter by chance", () => {
  const delays = Array.from({ length: 100 }, () => backoffMs(1, 1000, 60_000));
  assert(delays.every((delay) => delay >= 1000 && delay < 1250));
  assert(new Set(delays).size > 50);
});

import { assertEquals } from "@std/assert";
import { progressLine } from "./progress.ts";

Deno.test("progressLine() shows the amount done, the rate and the time left", () => {
  const lines = [
    [progressLine("re-sealing", 0, 1000, 0), "re-sealing ░░░░░░░░░░░░░░░░░░░░ 0/1,000 0% 0/s"],
    [progressLine("re-sealing", 500, 1000, 2), "re-sealing ██████████░░░░░░░░░░ 500/1,000 50% 250/s 0:02 left"],
    [progressLine("verifying", 999, 1000, 1), "verifying ███████████████████░ 999/1,000 99% 999/s 0:01 left"],
    [progressLine("verifying", 1000, 1000, 1), "verifying ████████████████████ 1,000/1,000 100% 1,000/s 0:00 left"],
    [progressLine("verifying", 1, 3725, 1), "verifying ░░░░░░░░░░░░░░░░░░░░ 1/3,725 0% 1/s 1:02:04 left"],
    // New rows arrived after the total was counted.
    [progressLine("verifying", 12, 10, 1), "verifying ████████████████████ 12/10 100% 12/s 0:00 left"],
  ] as const;
  for (const [line, expected] of lines) assertEquals(line, expected, expected);
});

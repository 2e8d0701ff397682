import { assertEquals } from "@std/assert";
import { NoticeLimit } from "./notice_limit.ts";

Deno.test("NoticeLimit takes a burst of 100, then 20 a second", () => {
  const limit = new NoticeLimit(0);
  const taken = (count: number, now: number) =>
    Array.from({ length: count }, () => limit.takes(now)).filter(Boolean).length;
  assertEquals(taken(1000, 0), 100);
  assertEquals(taken(1000, 500), 10);
  assertEquals(taken(1000, 1500), 20);
  assertEquals(taken(1000, 3_600_000), 100);
});

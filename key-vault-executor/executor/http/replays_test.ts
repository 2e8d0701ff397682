import { assertEquals, assertThrows } from "@std/assert";
import { type Decision, DecisionRefused } from "shared/decision/decision.ts";
import { Replays } from "./replays.ts";
import { subjectOf } from "../testing/make.ts";

function decisionOf(jti: string, exp: number): Decision {
  const subject = subjectOf({ jti });
  return { ...subject, iss: "governance-hub", aud: "executor", iat: exp - 60, exp, body_sha256: "0".repeat(64) };
}

function assertRefused(use: () => void, reason: string) {
  const { message } = assertThrows(use, DecisionRefused);
  assertEquals(message.includes(reason), true, message);
}

Deno.test("Replays refuses a decision that was used before, as long as it is valid", () => {
  const replays = new Replays();
  replays.use(decisionOf("a", 1060), 1000);
  for (const now of [1000, 1059, 1065]) {
    assertRefused(() => replays.use(decisionOf("a", 1060), now), "used before");
  }
});

Deno.test("Replays forgets decisions that have expired", () => {
  const replays = new Replays();
  for (let index = 0; index < 100; index++) replays.use(decisionOf(String(index), 1060), 1000);
  replays.use(decisionOf("later", 1160), 1100);
  assertEquals(replays.size, 1);
});

Deno.test("Replays refuses when it is full, rather than forget one that is still valid", () => {
  const replays = new Replays(2);
  replays.use(decisionOf("a", 1060), 1000);
  replays.use(decisionOf("b", 1060), 1000);
  assertRefused(() => replays.use(decisionOf("c", 1060), 1001), "too many");
  assertRefused(() => replays.use(decisionOf("a", 1060), 1001), "used before");
  replays.use(decisionOf("c", 1160), 1066);
});

Deno.test("Replays refuses a decision that another process of the Executor may have used", () => {
  const replays = new Replays(2, 1000);
  assertRefused(() => replays.use(decisionOf("a", 1059), 1001), "before the Executor's start");
  replays.use(decisionOf("b", 1060), 1001);
});

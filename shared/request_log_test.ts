import { assert, assertEquals } from "@std/assert";
import { describeCause } from "./request_log.ts";

Deno.test("describeCause() tells an error's name and place, and never its message", () => {
  const error = new TypeError("secret-canary\n    at secret-canary");
  const described = describeCause(error);
  assert(described.startsWith("TypeError at "), described);
  assert(described.includes("log_test.ts"));
  assert(!described.includes("secret-canary"));
});

Deno.test("describeCause() passes on a string, and nothing of other values", () => {
  assertEquals(describeCause("REPO_B_URL is not set"), "REPO_B_URL is not set");
  assertEquals(describeCause({ secret: 1 }), "a thrown object");
});

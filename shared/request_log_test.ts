import { assert, assertEquals } from "@std/assert";
import { describeCause } from "./request_log.ts";

Deno.test("describeCause() returns an error's name and place, and never its message", () => {
  const error = new TypeError("secret-canary\n    at secret-canary");
  const described = describeCause(error);
  assert(described.startsWith("TypeError at "), described);
  assert(described.includes("log_test.ts"));
  assert(!described.includes("secret-canary"));
});

Deno.test("describeCause() returns a string unchanged, and only the type of any other value", () => {
  assertEquals(describeCause("REPO_B_URL is not set"), "REPO_B_URL is not set");
  assertEquals(describeCause({ secret: 1 }), "a thrown object");
});

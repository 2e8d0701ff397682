import { assertEquals } from "@std/assert";
import { compactVerify } from "jose";
import { importSigningKey, importVerifyKeys } from "./decision_keys.ts";
import { signJws } from "./jws.ts";

// RFC 8037, appendix A.1 and A.2.
const SIGNING_KEY = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
const VERIFY_KEY = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

function sign(payload: string): string {
  const key = importSigningKey(SIGNING_KEY);
  return key === undefined ? "" : signJws(payload, key);
}

Deno.test("signJws() signs as RFC 8037, appendix A.4, has it", () => {
  assertEquals(
    sign("Example of Ed25519 signing"),
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc." +
      "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
  );
});

Deno.test("signJws() signs any text as jose reads it", async () => {
  const [key] = await importVerifyKeys(VERIFY_KEY) ?? [];
  if (key === undefined) throw new Error("no key");
  for (const text of ["", "{}", "ü \u{1f511} \u0000", "a".repeat(100_000)]) {
    const { payload, protectedHeader } = await compactVerify(sign(text), key, { algorithms: ["EdDSA"] });
    assertEquals([new TextDecoder().decode(payload), protectedHeader], [text, { alg: "EdDSA" }]);
  }
});

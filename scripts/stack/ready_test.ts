import { assert, assertEquals } from "@std/assert";
import { freePort } from "./ready.ts";

Deno.test("freePort() gives each port once, and none that an outgoing connection could take", () => {
  const ports = Array.from({ length: 200 }, freePort);
  assertEquals(new Set(ports).size, ports.length);
  for (const port of ports) {
    assert(port >= 1024 && port < 32_768, `${port}`);
    Deno.listen({ hostname: "127.0.0.1", port }).close();
  }
});

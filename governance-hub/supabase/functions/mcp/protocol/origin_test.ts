import { assertEquals, assertThrows } from "@std/assert";
import { McpError } from "./mcp_error.ts";
import { refuseForeignOrigin } from "./origin.ts";

Deno.test("refuseForeignOrigin() accepts programs, and tools on the caller's own machine", () => {
  refuseForeignOrigin(new Headers());
  for (const origin of ["http://localhost:6274", "http://127.0.0.1", "https://127.0.0.9:1", "http://[::1]:8080"]) {
    refuseForeignOrigin(new Headers({ origin }));
  }
});

Deno.test("refuseForeignOrigin() refuses web pages with 403", () => {
  const foreign = ["http://evil.example.com", "https://localhost.evil.example", "http://127.0.0.1.nip.io", "null", ""];
  for (const origin of foreign) {
    const error = assertThrows(() => refuseForeignOrigin(new Headers({ origin })), McpError);
    assertEquals([error.status, error.code], [403, "origin_not_allowed"], origin);
  }
});

/**
 * The conformance suite of MCP against the whole path. It can send no key, and it knows names and URIs without a prefix, so
 * a proxy adds both. This file names what the gateway does not offer: a scenario that begins to pass is told too.
 */

import { assertEquals } from "@std/assert";
import { runPackage } from "./npm_program.ts";
import { startPrefixProxy } from "./prefix_proxy.ts";
import { startWholePath } from "./whole_path.ts";

const SUITE = "npm:@modelcontextprotocol/conformance@0.2.0-alpha.12";

const SERVER_ASKS = "a stateless server of 2025 cannot ask its client";
const NO_STREAM = "a stateless server of 2025 has no stream on which it could tell of an update";

/** Scored scenarios that cannot pass, and why. */
const CANNOT_PASS: Record<string, Record<string, string>> = {
  "2026-07-28": {},
  "2025-11-25": {
    "elicitation-sep1034-defaults": SERVER_ASKS,
    "elicitation-sep1330-enums": SERVER_ASKS,
    "resources-subscribe": NO_STREAM,
    "resources-unsubscribe": NO_STREAM,
    "tools-call-elicitation": SERVER_ASKS,
    "tools-call-sampling": SERVER_ASKS,
  },
};

for (const [revision, cannotPass] of Object.entries(CANNOT_PASS)) {
  Deno.test(`the conformance suite of ${revision} passes, but for what the gateway does not offer`, async (test) => {
    await using path = await startWholePath();
    await path.addScript("conformance.mjs");
    const server = { server_id: "conformance", name: "Conformance", command: "node", args: ["conformance.mjs"] };
    await path.register({ ...server, tool_prefix: "conformance." });
    await using proxy = startPrefixProxy(path, "conformance.");
    const folder = await Deno.makeTempDir();
    const { text } = await runPackage(SUITE, ["server", "--url", proxy.url, "--requirements", revision], folder);
    await Deno.remove(folder, { recursive: true });

    const scored = scoredOf(text);
    const unknown = Object.keys(cannotPass).filter((name) => !scored.has(name));
    assertEquals([unknown, scored.size > 20], [[], true], text);
    for (const [name, hasPassed] of scored) {
      const reason = cannotPass[name];
      await test.step(reason === undefined ? name : `${name} cannot pass: ${reason}`, () => {
        assertEquals(hasPassed, reason === undefined, text);
      });
    }
  });
}

/** The scenarios that count, each with whether it passed. */
function scoredOf(text: string): Map<string, boolean> {
  const summary = text.slice(text.indexOf("=== SUMMARY ==="));
  const all = [...summary.matchAll(/^(✓|✗) (\S+): \d+ passed, \d+ failed$/gm)];
  const unscored = new Set([...summary.matchAll(/^ {2}[✓✗] (\S+) \(\S+\)$/gm)].map(([, name]) => name));
  return new Map(
    all.filter(([, , name]) => !unscored.has(name)).map((
      [, sign, name = ""],
    ): [string, boolean] => [name, sign === "✓"]),
  );
}

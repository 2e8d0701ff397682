/** Assigns each test file to a step of the ladder. */

import { globSync } from "node:fs";

/** Tests in scripts/ that start no database and no program. */
const UNIT = [
  "scripts/admin/client/connection/call_test.ts",
  "scripts/admin/commands/keys/expiry_test.ts",
  "scripts/cli/progress_test.ts",
  "scripts/deploy/hub_tool_schemas_test.ts",
  "scripts/stack/ready_test.ts",
  "scripts/test/database/faults_test.ts",
  "scripts/test/support/openapi/check_test.ts",
];

export interface TestFiles {
  unit: string[];
  /** Tests with their own PostgreSQL or PGlite. */
  db: string[];
  /** Tests that mostly run a whole program. */
  programs: string[];
  /** Tests that each start their own stack. */
  admin: string[];
}

/** Folders of scripts/ whose tests take minutes. */
export const SLOW = {
  "races, outages and leaks": "scripts/test/resilience",
  "generated clients": "scripts/test/clients",
  "clients of the gateway, and the conformance suite": "scripts/test/gateway",
};

/** Slow tests that depend on how the functions call their databases: they also run with direct connections. */
export const ON_BOTH_TRANSPORTS = ["outages", "request_races", "leaks"]
  .map((name) => `scripts/test/resilience/${name}_test.ts`);

/** The Executor's tests: they run real servers in a sandbox. */
export const EXECUTOR = "key-vault-executor/executor";

/** All tests except the slow ones and the end-to-end ones, which need a stack. */
export async function testFiles(root = new URL("../../", import.meta.url)): Promise<TestFiles> {
  const all = globSync("scripts/**/*_test.ts", { cwd: await Deno.realPath(root) }).sort();
  const others = all.filter((path) =>
    !Object.values(SLOW).some((folder) => path.startsWith(`${folder}/`)) && !UNIT.includes(path)
  );
  const isAdmin = (path: string) => path.startsWith("scripts/admin/");
  const isProgram = (path: string) => path.endsWith("/main_test.ts") || path.startsWith("scripts/stack/executor/");
  const isDb = (path: string) => /^scripts\/(stack|test\/database)\//.test(path) && !isProgram(path);
  return {
    unit: ["shared", "governance-hub/supabase", "key-vault-executor/supabase", ...UNIT],
    db: others.filter(isDb),
    programs: others.filter((path) => !isDb(path) && !isAdmin(path)),
    admin: others.filter(isAdmin),
  };
}

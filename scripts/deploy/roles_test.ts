import { assert } from "@std/assert";
import { projectUrl } from "../stack/projects.ts";

Deno.test("each project's first migration starts with the block of roles.sql", async () => {
  const roles = await Deno.readTextFile(new URL("roles.sql", import.meta.url));
  const block = roles.slice(roles.indexOf("do $$"));
  const migrations = [
    projectUrl("governance-hub", "migrations/20260222000000_create_tenancy.sql"),
    projectUrl("key-vault-executor", "migrations/20260223000000_add_tenant_credentials_table.sql"),
  ];
  for (const migration of migrations) assert((await Deno.readTextFile(migration)).includes(block), migration.pathname);
});

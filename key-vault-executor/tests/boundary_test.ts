import { testBoundary } from "../../scripts/testing/boundary.ts";

await testBoundary("key-vault-executor");

import { testBoundary } from "../../scripts/test/suites/boundary.ts";

await testBoundary("key-vault-executor");

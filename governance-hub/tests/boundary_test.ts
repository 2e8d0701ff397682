import { testBoundary } from "../../scripts/testing/boundary.ts";

await testBoundary("governance-hub");

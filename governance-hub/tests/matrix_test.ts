import { testMatrix } from "../../scripts/testing/matrix.ts";

await testMatrix("governance-hub");

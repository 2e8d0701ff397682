import { testMatrix } from "../../scripts/testing/matrix.ts";

await testMatrix("key-vault-executor");

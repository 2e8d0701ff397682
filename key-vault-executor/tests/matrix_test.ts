import { testMatrix } from "../../scripts/test/suites/matrix.ts";

await testMatrix("key-vault-executor");

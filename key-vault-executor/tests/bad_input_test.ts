import { testBadInput } from "../../scripts/testing/bad_input.ts";

await testBadInput("key-vault-executor");

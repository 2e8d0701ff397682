import { testBadInput } from "../../scripts/test/suites/bad_input.ts";

await testBadInput("governance-hub");

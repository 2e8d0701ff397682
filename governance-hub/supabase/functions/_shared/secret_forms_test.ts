import { assert, assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { generateKey } from "shared/auth/api_key.ts";
import { findSecret, SECRET_FORMS } from "./secret_forms.ts";
import commandLines from "./testdata/mcp_command_lines.json" with { type: "json" };

const BASE62 = "q7Zk2Lm9Xv4Tb8Rc1Wn6Yd3Hf5Gs0JpAaBeCgDhEiFjIKlMoNOPQrStUuVwxyz";

/** Letters and digits. Secrets are assembled at run time, so that secret scanners find none in this file. */
function chars(count: number): string {
  return BASE62.repeat(Math.ceil(count / 62)).slice(0, count);
}

const upper = (count: number) => chars(count * 2).toUpperCase().slice(0, count);
const hex = (count: number) => "0a1b2c3d4e5f6789".repeat(20).slice(0, count);
const awsSecret = "/" + chars(18) + "+/" + chars(19);
const jwt = (object: string) => [object, object, "-_"].map((part) => part + chars(40)).join(".");

/** Examples of every kind of each form. */
const EXAMPLES: Record<string, string[]> = {
  "an AWS access key id": ["AKIA", "ASIA", "ABIA", "ACCA", "A3TX"].map((prefix) => prefix + upper(16)),
  "an AWS secret access key": [
    `AWS_SECRET_ACCESS_KEY=${awsSecret}`,
    `aws_secret_access_key = ${awsSecret}`,
    `secretAccessKey: '${awsSecret}'`,
    `{\\"SecretAccessKey\\": \\"${awsSecret}\\"}`,
    `--secret-key=${awsSecret}`,
    `aws-secret=${awsSecret}`,
    ...["%3D", "%3A"].map((sign) => `secret_access_key${sign}${encodeURIComponent(awsSecret)}`),
  ],
  "an AWS session token": ["IQoJb3JpZ2lu" + "X2Vj", "FwoGZXIv" + "YXdz", "FQoGZXIv" + "YXdz"].map((p) =>
    p + chars(300)
  ),
  "an Amazon Bedrock API key": ["ABSK" + chars(128) + "=", "bedrock-api-" + "key-" + chars(200)],
  "a GitHub token": ["ghp_", "gho_", "ghu_", "ghr_"].flatMap((prefix) => [prefix + chars(36), prefix + chars(76)]),
  "a GitHub App installation token": ["ghs_" + chars(36), "ghs_" + "123456_" + jwt("eyJ")],
  "a GitHub fine-grained token": ["github_" + "pat_" + chars(22) + "_" + chars(59)],
  "a GitLab token": [
    ...["pat", "oas", "dt", "rt", "rtr", "cbt", "ptt", "ft", "imt", "agent", "soat", "ffct", "wt"].map((kind) =>
      `gl${kind}-${chars(20)}`
    ),
    "glpat-" + chars(27) + "." + hex(9),
    "glcbt-" + "64_" + chars(20),
    "SIE-" + "glpat-" + chars(20),
  ],
  "a GitLab runner registration token": ["GR13" + "48941" + chars(20)],
  "a Stripe secret key": ["sk_live_", "sk_test_", "rk_live_", "rk_test_", "sk_prod_"].map((p) => p + chars(24)),
  "a webhook signing secret": ["whsec_" + chars(32), "whsec_" + chars(20) + "+/" + chars(20) + "=="],
  "a Slack token": [
    ..."abcdeoprs".split("").map((kind) => `xox${kind}-` + "123456789012-" + chars(24)),
    ...["b", "p"].map((kind) => "xoxe." + `xox${kind}-1-` + chars(160)),
    ...["%2B", "%2F", "+", "/"].map((sign) => "xoxd-" + chars(10) + sign + chars(10)),
    "xapp-" + "1-A0123456789-123456789012-" + hex(64),
  ],
  "a Slack webhook URL": ["services", "workflows", "triggers"].flatMap((kind) =>
    ["com", "gov.com"].map((end) =>
      `https://hooks.slack${end === "com" ? "." : "-"}${end}/${kind}/T0123456789/B0123456789/${chars(24)}`
    )
  ),
  "an OpenAI API key": [
    "sk-" + chars(48),
    "sk-" + hex(32),
    ...["proj", "svcacct", "admin", "service", "None"].map((kind) => `sk-${kind}-_-` + chars(120)),
  ],
  "an Anthropic API key": ["api03", "admin01", "oat01", "ort01", "sid02"].map((kind) =>
    `sk-ant-${kind}-_-` + chars(93)
  ),
  "a Google API key": ["AIza" + "Sy-" + chars(32), "AQ." + "Ab8RN6" + chars(44)],
  "a Google OAuth client secret": ["GOCSPX" + "-" + chars(28)],
  "a Google OAuth token": ["ya29." + "a0" + chars(160), "1//" + "0e" + chars(90), "1%2F%2F" + "0e" + chars(90)],
  "an npm token": ["npm_" + chars(36)],
  "a private key": [
    ...["", "RSA ", "EC ", "DSA ", "OPENSSH ", "ENCRYPTED "].map((kind) =>
      `-----BEGIN ${kind}PRIVATE KEY` + `-----\\n${chars(64)}\\n-----END ${kind}PRIVATE KEY-----\\n`
    ),
    "-----BEGIN PGP PRIVATE KEY" + " BLOCK-----" + chars(64),
    "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY" + " ----",
    "-----BEGIN%20EC%20PRIVATE%20KEY" + "-----",
    "-----BEGIN+RSA+PRIVATE+KEY" + "-----",
  ],
  "a JSON Web Token": ["eyJ", "eyA", "ewo", "ew0"].map(jwt),
  "a Supabase secret key": ["sb_secret" + "_" + chars(22) + "_" + chars(8)],
  "a Supabase access token": ["sbp_" + hex(40), "sbp_oauth" + "_" + hex(40), "sbp_v0" + "_" + hex(40)],
  "an agent's key of this registry": [generateKey("agent")],
  "a kernel's key of this registry": [generateKey("kernel")],
};

const ALL_EXAMPLES = Object.entries(EXAMPLES).flatMap(([form, secrets]) => secrets.map((secret) => ({ form, secret })));

Deno.test("findSecret() knows every form of the table, each with its source", () => {
  assertEquals(Object.keys(EXAMPLES), SECRET_FORMS.map((form) => form.name));
  for (const { name, source } of SECRET_FORMS) assert(source.length > 8, name);
});

Deno.test("findSecret() finds each form wherever a secret can occur", () => {
  const places: ((secret: string) => string)[] = [
    (s) => s,
    (s) => `KEY=${s}`,
    (s) => `--flag=${s}`,
    (s) => `-t${s}`,
    (s) => `--header=Authorization: Bearer ${s}`,
    (s) => `-HX-Api-Key:${s}`,
    (s) => `https://user:${s}@host.example/path`,
    (s) => `https://${s}@host.example`,
    (s) => `https://host.example/?a=1&token=${s}&b=2`,
    (s) => `https://host.example/?next=%2Fa%3Ftoken%3D${s}%26b`,
    (s) => `https://host.example/mcp/${s}?x=1`,
    (s) => JSON.stringify({ token: s, other: 1 }),
    (s) => JSON.stringify({ env: JSON.stringify({ token: s }) }),
    (s) => `a\\r\\n${s}\\r\\n`,
    (s) => `a\\r${s}`,
    (s) => `a\\t${s}\\tb`,
    (s) => `'${s}', "${s}"`,
    (s) => `(${s})`,
    (s) => `é${s}é`,
  ];
  for (const { form, secret } of ALL_EXAMPLES) {
    for (const place of places) {
      assertEquals(findSecret(["run", place(secret), "x"]), { index: 1, form }, place(secret));
    }
  }
});

Deno.test("findSecret() reads the previous argument as a value's name", () => {
  const form = "an AWS secret access key";
  for (const name of ["--aws-secret-access-key", "aws_secret_access_key", "--secret-key", "--awsSecret"]) {
    assertEquals(findSecret(["configure", name, awsSecret]), { index: 2, form }, name);
  }
  for (
    const args of [[awsSecret], ["--path", awsSecret], ["--secret-key", "-v", awsSecret], [awsSecret, "--secret-key"]]
  ) {
    assertEquals(findSecret(args), undefined, args.join(" "));
  }
});

Deno.test("findSecret() returns the first argument with a secret, and never the secret", () => {
  const [first, second] = ["ghp_" + chars(36), "npm_" + chars(36)];
  const found = findSecret(["-y", `A=${first}`, `B=${second}`, second]);
  assertEquals(found, { index: 1, form: "a GitHub token" });
  assert(!JSON.stringify(found).includes(chars(8)));
  assertEquals(findSecret([]), undefined);
});

/** The start of each form, the minimum number of characters after it, and whether there may be more. */
const LENGTHS: [string, number, "exactly" | "or more"][] = [
  ["AKIA", 16, "exactly"],
  ["AWS_SECRET_ACCESS_KEY=", 40, "exactly"],
  ["IQoJb3JpZ2lu" + "X2Vj", 80, "or more"],
  ["ABSK", 109, "or more"],
  ["bedrock-api-" + "key-", 32, "or more"],
  ["ghp_", 36, "or more"],
  ["ghs_", 36, "or more"],
  ["github_" + "pat_", 82, "exactly"],
  ["glpat-", 20, "or more"],
  ["GR13" + "48941", 20, "or more"],
  ["sk_live_", 16, "or more"],
  ["whsec_", 32, "or more"],
  ["xoxb-", 20, "or more"],
  ["xapp-1-", 20, "or more"],
  ["https://hooks.slack.com/services/", 40, "or more"],
  ["sk-", 32, "or more"],
  ["sk-proj-", 20, "or more"],
  ["sk-ant-api03-", 20, "or more"],
  ["AIza", 35, "exactly"],
  ["AQ.Ab", 30, "or more"],
  ["GOCSPX" + "-", 28, "exactly"],
  ["ya29.", 20, "or more"],
  ["1//0", 40, "or more"],
  ["npm_", 36, "exactly"],
  [`eyJ${chars(10)}.eyJ${chars(10)}.`, 10, "or more"],
  ["sb_secret" + "_", 20, "or more"],
  ["sbp_", 40, "or more"],
];

Deno.test("findSecret() finds each form at its shortest length, and not one character shorter", () => {
  for (const [beginning, length, more] of LENGTHS) {
    const body = beginning === "AKIA" ? upper : chars;
    assert(findSecret([beginning + body(length)]), beginning);
    assertEquals(findSecret([beginning + body(length - 1)]), undefined, beginning);
    assertEquals(findSecret([beginning + body(length + 1)]) !== undefined, more === "or more", beginning);
  }
  const [header, payload, signature] = [`eyJ${chars(10)}`, `eyJ${chars(10)}`, chars(10)];
  assertEquals(findSecret([`${header.slice(0, -1)}.${payload}.${signature}`]), undefined);
  assertEquals(findSecret([`${header}.${payload.slice(0, -1)}.${signature}`]), undefined);
});

Deno.test("findSecret() passes text that resembles a form", () => {
  const nearMisses = [
    ...["AKIA" + upper(15) + "a", "AKIB" + upper(16), "XAKIA" + upper(16), "akia" + upper(16)],
    ...[`AWS_SECRET_ACCESS_KEY=${chars(40)}=`, `AWS_SECRET_ACCESS_KEY=${chars(39)}-`, `AWS_SECRET_REGION=${chars(40)}`],
    ...["IQoJb3JpZ2luX2Vk" + chars(300), "ghx_" + chars(36), "aghp_" + chars(36), "ghp-" + chars(36)],
    ...["glpet-" + chars(20), "GR1348942" + chars(20), "pk_live_" + chars(24), "sk_life_" + chars(24)],
    ...["xoxz-" + chars(40), "xapp-" + chars(40), "https://slack.com/services/" + chars(44)],
    ...["sk-other-" + chars(31), "disk-" + chars(48), "sk-ant-api-" + chars(93), "sk-ant-ab01-" + chars(93)],
    ...["AQ.Ac" + chars(48), "1//1" + chars(90), "sb_publishable_" + chars(22) + "_" + chars(8)],
    ...["-----BEGIN CERTIFICATE-----" + chars(64), "-----BEGIN PUBLIC KEY-----", "---BEGIN PRIVATE KEY" + "---"],
    ...[jwt("eyI"), `e${jwt("eyJ")}`, `a-${jwt("eyJ")}`, jwt("eyJ").replaceAll(".", ",")],
    ...[generateKey("agent"), generateKey("kernel")].flatMap((key) => [
      ...[key.slice(0, -1), `${key}0`, `x${key.slice(1)}`],
      key.slice(0, -1) + (key.endsWith("0") ? "1" : "0"),
    ]),
  ];
  for (const text of nearMisses) assertEquals(findSecret([text]), undefined, text);
});

Deno.test("findSecret() passes placeholders, but not AWS's example key, which has the form", () => {
  const placeholders = [
    ...[
      "ghp_...",
      "sk-...",
      "ghp_xxxxxxxxxxxx",
      "ghp_" + "x".repeat(36),
      "glpat-" + "x".repeat(20),
      "AKIA" + "X".repeat(16),
    ],
    ...["YOUR_API_KEY", "--api-key=YOUR_KEY", "TOKEN=${GITHUB_TOKEN}", "Authorization: Bearer <token>", "$NPM_TOKEN"],
    ...["glpat-" + "YOUR_ACCESS_TOKEN_HERE", "sk-ant-api03-your-api-key-goes-here", "xoxb-your-bot-token-goes-here"],
    ...["AWS_SECRET_ACCESS_KEY=your_secret", "AWS_SECRET_ACCESS_KEY=" + "x".repeat(40), "sk_test_replace_me"],
    ...["sb_secret_placeholder_for_a_key", "https://hooks.slack.com/services/T00000000/B00000000/" + "X".repeat(24)],
  ];
  for (const text of placeholders) assertEquals(findSecret([text]), undefined, text);
  assertEquals(findSecret(["AKIAIOSFODNN7" + "EXAMPLE"]), { index: 0, form: "an AWS access key id" });
  assertEquals(findSecret(["ghp_" + "x".repeat(7) + chars(29)]), { index: 0, form: "a GitHub token" });
  assertEquals(findSecret(["ghp_" + "x".repeat(8) + chars(28)]), undefined);
  const both = `${"ghp_" + "x".repeat(36)},${"ghp_" + chars(36)}`;
  assertEquals(findSecret([both]), { index: 0, form: "a GitHub token" });
});

Deno.test("findSecret() passes hashes, identifiers and names that are as long as a secret", () => {
  const harmless = [
    ...[32, 40, 64, 128].map(hex),
    ...[
      `ghcr.io/github/github-mcp-server@sha256:${hex(64)}`,
      `git+https://host.example/a.git@${hex(40)}#subdirectory=b`,
    ],
    ...["--commit=" + hex(40), `https://${crypto.randomUUID()}.example/sse`, "sha512-" + chars(86) + "==", chars(64)],
    ...[
      "npm:@modelcontextprotocol/server-everything@2026.1.26",
      "jsr:@scope/" + "name-".repeat(8),
      "npm_config_registry=x",
    ],
    ...["mcp_server_" + "filesystem_".repeat(4), "krn_" + "a".repeat(49), "--task-" + "skip-".repeat(10), "AIzawa"],
    ...[
      "postgresql://user:password@localhost:5432/db",
      "https://host.example/v1//0",
      "ASIA",
      "sk-SK",
      "arn:aws:iam::1:role/AKIA",
    ],
    ...["/secret/key=/run/secrets/aws/key", "--secret-key-file=/run/secrets/" + "directory/".repeat(3)],
  ];
  for (const text of harmless) assertEquals(findSecret([text]), undefined, text);
  assertEquals(findSecret(harmless), undefined);
});

Deno.test("findSecret() passes the command lines that public MCP servers document", () => {
  assert(commandLines.length >= 100);
  assertEquals(
    new Set(commandLines.map(({ command, args }) => JSON.stringify([command, args]))).size,
    commandLines.length,
  );
  for (const { command, args, source } of commandLines) {
    assertEquals(findSecret([command, ...args]), undefined, `${command} ${args.join(" ")} (${source})`);
  }
});

Deno.test("findSecret() finds a secret in any text, and nothing in the text without it", () => {
  const text = fc.string({ unit: fc.constantFrom(..."aZ09 _-.:/=%\\\"'{}é😀\ud800"), maxLength: 60 });
  fc.assert(fc.property(
    fc.array(text),
    fc.array(text),
    text,
    text,
    fc.constantFrom(...ALL_EXAMPLES),
    (before, after, left, right, { form, secret }) => {
      assertEquals(findSecret([...before, left, ...after]), undefined);
      assertEquals(findSecret([...before, `${left} ${secret} ${right}`, ...after]), { index: before.length, form });
    },
  ));
});

Deno.test("findSecret() takes linear time, even if forms begin and never end", () => {
  const beginnings = [3, 4, 5, 8, 16, -1, -41].map((length) => (secret: string) => secret.slice(0, length));
  const units = ALL_EXAMPLES.flatMap(({ secret }) => beginnings.map((cut) => cut(secret)));
  for (const unit of new Set(units.flatMap((unit) => ["", "-", ".", "="].map((end) => unit + end)))) {
    // A quadratic search would take 64 times as long on a text that is 8 times as long. Three attempts exclude pauses.
    const isLinear = () => milliseconds(unit, 64 * 1024) < 32 * Math.max(milliseconds(unit, 8 * 1024), 0.5);
    assert(isLinear() || isLinear() || isLinear(), unit);
  }
});

function milliseconds(unit: string, length: number): number {
  const args = [unit.repeat(Math.ceil(length / Math.max(unit.length, 1)))];
  const start = performance.now();
  findSecret(args);
  return performance.now() - start;
}

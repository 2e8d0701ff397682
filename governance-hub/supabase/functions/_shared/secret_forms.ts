/**
 * The known forms of credentials. Credentials belong in the vault, so a server's arguments must not contain them.
 *
 * A form is found anywhere in an argument: by itself, after `KEY=`, `--flag=` or `Bearer `, in a URL, in JSON text. The
 * characters next to it must not be able to belong to it, so that hashes, UUIDs, image digests and package names pass.
 * If a vendor's length is fixed, the pattern requires it; otherwise at most the shortest length that is issued. Checksums
 * are verified only for our own keys: a false alarm costs less than a stored secret. A complete example is therefore
 * found, such as `AKIAIOSFODNN7EXAMPLE` from AWS's documentation. A placeholder is not (`${TOKEN}`, `<token>`,
 * `YOUR_KEY`, `ghp_xxxxxxxx…`).
 *
 * Not found: secrets without a recognisable form (passwords, also in a URL; UUIDs and hex strings, such as GitHub's
 * tokens until 2021; an AWS secret access key without its name before it), secrets that are encoded (base64 of a key file)
 * or split over several arguments, GitLab tokens with an instance's own prefix instead of `glpat-`, encrypted JWTs.
 *
 * The time is linear in the arguments' length: the text that a pattern reads past its shortest match either cannot fail
 * any more, or has at most two places where the same pattern could begin.
 */

import { isKey } from "shared/auth/api_key.ts";

export interface SecretForm {
  /** For a person. It completes the sentence "args[1] holds …". */
  name: string;
  pattern: RegExp;
  /** The documentation of the form: the vendor's page, or a rule of https://github.com/gitleaks/gitleaks. */
  source: string;
  /** Whether a text of that form is really a secret. */
  isGenuine?: (text: string) => boolean;
}

/** A short option (`-t`), a URL escape (`%3D`) or a JSON escape (`\n`): its last letter is not part of the secret. */
const LETTER_OF_ITS_OWN = String.raw`(?<==-\w|%[\dA-Fa-f]{2}|\\[nrt])`;
const START = String.raw`(?:(?<![A-Za-z0-9])|${LETTER_OF_ITS_OWN})`;
const END = "(?![A-Za-z0-9])";
/** The beginning of a JSON object in base64url: `{"`, `{ `, or `{` and a line's end. */
const JSON_OBJECT = "e(?:y[JA]|w[o0])";

export const SECRET_FORMS: readonly SecretForm[] = [
  {
    name: "an AWS access key id",
    pattern: word`(?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])[A-Z0-9]{16}${END}`,
    source: "https://github.com/awslabs/git-secrets (--register-aws); gitleaks: aws-access-token",
  },
  {
    name: "an AWS secret access key",
    pattern:
      /(?:aws[_-]?secret|secret[_-]?(?:access[_-]?)?key)[\\"'\s]*(?:[=:]|%3[AD])[\\"'\s]*(?:[a-z0-9/+]|%2[BF]){40}(?![\w/+=-])/gi,
    source: "https://github.com/awslabs/git-secrets (--register-aws)",
  },
  {
    name: "an AWS session token",
    pattern: word`(?:IQoJb3JpZ2luX2Vj|F[Qw]oGZXIvYXdz)[A-Za-z0-9+/%]{80,}`,
    source: "https://github.com/trufflesecurity/trufflehog (pkg/detectors/aws/session_keys)",
  },
  {
    name: "an Amazon Bedrock API key",
    pattern: word`(?:ABSK[A-Za-z0-9+/]{109,}|bedrock-api-key-[A-Za-z0-9+/]{32,})`,
    source: "gitleaks: aws-amazon-bedrock-api-key-long-lived, -short-lived",
  },
  {
    name: "a GitHub token",
    pattern: word`gh[pour]_[A-Za-z0-9]{36,}`,
    source: "https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/",
  },
  {
    name: "a GitHub App installation token",
    pattern: word`ghs_[\w.-]{36,}`,
    source: "https://github.blog/changelog/2026-05-15-github-app-installation-tokens-per-request-override-header/",
  },
  {
    name: "a GitHub fine-grained token",
    pattern: word`github_pat_\w{82}(?!\w)`,
    source: "gitleaks: github-fine-grained-pat",
  },
  {
    name: "a GitLab token",
    pattern: word`gl(?:pat|oas|dt|rtr?|cbt|ptt|ft|imt|agent|soat|ffct|wt)-[\w.-]{20,}`,
    source: "https://docs.gitlab.com/security/tokens/#token-prefixes; gitleaks: gitlab-*",
  },
  {
    name: "a GitLab runner registration token",
    pattern: word`GR1348941[\w-]{20,}`,
    source: "gitleaks: gitlab-rrt",
  },
  {
    name: "a Stripe secret key",
    pattern: word`[sr]k_(?:live|test|prod)_[A-Za-z0-9]{16,}`,
    source: "https://docs.stripe.com/keys; gitleaks: stripe-access-token",
  },
  {
    name: "a webhook signing secret",
    pattern: word`whsec_[A-Za-z0-9+/]{32,}`,
    source: "https://docs.stripe.com/webhooks; https://github.com/standard-webhooks/standard-webhooks",
  },
  {
    name: "a Slack token",
    pattern: word`(?:xox[abcdeoprs]|xapp-\d)-[\w%+/-]{20,}`,
    source: "https://docs.slack.dev/authentication/tokens; gitleaks: slack-*",
  },
  {
    name: "a Slack webhook URL",
    pattern: word`hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/[\w+/]{40,}`,
    source: "gitleaks: slack-webhook-url",
  },
  {
    name: "an OpenAI API key",
    pattern: word`sk-(?:(?:proj|svcacct|admin|service|None)-[\w-]{20,}|[A-Za-z0-9]{32,})`,
    source: "gitleaks: openai-api-key",
  },
  {
    name: "an Anthropic API key",
    pattern: word`sk-ant-[a-z]{3,5}\d\d-[\w-]{20,}`,
    source: "gitleaks: anthropic-api-key, anthropic-admin-api-key",
  },
  {
    name: "a Google API key",
    pattern: word`(?:AIza[\w-]{35}(?![\w-])|AQ\.Ab[\w-]{30,})`,
    source: "https://ai.google.dev/gemini-api/docs/api-key; gitleaks: gcp-api-key",
  },
  {
    name: "a Google OAuth client secret",
    pattern: word`GOCSPX-[\w-]{28}(?![\w-])`,
    source: "https://rules.sonarsource.com/secrets/RSPEC-6691/",
  },
  {
    name: "a Google OAuth token",
    pattern: word`(?:ya29\.[\w-]{20,}|1(?://|%2F%2F)0[\w-]{40,})`,
    source: "https://developers.google.com/identity/protocols/oauth2",
  },
  {
    name: "an npm token",
    pattern: word`npm_[A-Za-z0-9]{36}${END}`,
    source: "gitleaks: npm-access-token",
  },
  {
    name: "a private key",
    pattern: /---- ?BEGIN(?:(?: |\+|%20)[A-Z0-9]+){0,2}(?: |\+|%20)PRIVATE(?: |\+|%20)KEY/g,
    source: "RFC 7468, sections 10 and 11; gitleaks: private-key",
  },
  {
    name: "a JSON Web Token",
    // Stricter on its left: the characters that it can start with are also characters that it reads past.
    pattern: new RegExp(
      String.raw`(?:(?<![\w-])|${LETTER_OF_ITS_OWN})${JSON_OBJECT}[\w-]{10,}\.${JSON_OBJECT}[\w-]{10,}\.[\w-]{10,}`,
      "g",
    ),
    source: "RFC 7519; gitleaks: jwt",
  },
  {
    name: "a Supabase secret key",
    pattern: word`sb_secret_[\w-]{20,}`,
    source: "https://supabase.com/docs/guides/api/api-keys",
  },
  {
    name: "a Supabase access token",
    pattern: word`sbp_[\w-]{40,}`,
    source: "https://github.com/supabase/cli (AccessTokenPattern)",
  },
  {
    name: "an agent's key of this registry",
    pattern: word`mcp_[0-9A-Za-z]{49}${END}`,
    source: "shared/auth/api_key.ts",
    isGenuine: (text) => isKey("agent", text),
  },
  {
    name: "a kernel's key of this registry",
    pattern: word`krn_[0-9A-Za-z]{49}${END}`,
    source: "shared/auth/api_key.ts",
    isGenuine: (text) => isKey("kernel", text),
  },
];

/** Placeholders in documentation. About one in 170,000 random secrets of 200 characters contains one. */
const PLACEHOLDER = /x{8}|your[-_]|placeholder/i;

/** The first argument that contains a secret, and the form of the secret. Never returns the secret itself. */
export function findSecret(args: readonly string[]): { index: number; form: string } | undefined {
  let previous = "";
  for (const [index, arg] of args.entries()) {
    // A value's name may be the argument before it.
    const found = SECRET_FORMS.find((form) => holds(`${previous}=${arg}`, form));
    if (found !== undefined) return { index, form: found.name };
    previous = arg;
  }
  return undefined;
}

function holds(text: string, { pattern, isGenuine }: SecretForm): boolean {
  for (const [match] of text.matchAll(pattern)) {
    if (!PLACEHOLDER.test(match) && isGenuine?.(match) !== false) return true;
  }
  return false;
}

/** A pattern that matches only at the start of a word. */
function word(strings: TemplateStringsArray, ...values: string[]): RegExp {
  return new RegExp(START + String.raw(strings, ...values), "g");
}

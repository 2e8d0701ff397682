/**
 * The known forms of credentials, which no server's arguments may hold: they belong in the vault.
 *
 * A form is looked for anywhere in an argument: alone, after `KEY=`, `--flag=` or `Bearer `, in a URL, in JSON text.
 * The characters beside it must not be able to belong to it, so that hashes, UUIDs, image digests and package names pass.
 * Lengths are the vendors' where those are fixed, else at most the shortest that is issued. Only our own keys' checksums
 * are verified: a false alarm costs less than a secret that is stored. So an example of full form is found, AWS's
 * documented `AKIAIOSFODNN7EXAMPLE` too; what says that it stands for another (`${TOKEN}`, `<token>`, `YOUR_KEY`,
 * `ghp_xxxxxxxx…`) is not.
 *
 * Not found: what has no form of its own (passwords, also in a URL; UUIDs and hex strings, such as GitHub's tokens until
 * 2021; an AWS secret access key, unless its name stands before it), what is encoded (base64 of a key file) or split
 * over several arguments, GitLab tokens with a prefix of an instance's own in place of `glpat-`, encrypted JWTs.
 *
 * Takes time linear in the arguments' length: what a pattern reads past its shortest match either cannot fail any more,
 * or holds at most two places where the same pattern could begin.
 */

import { isKey } from "shared/auth/api_key.ts";

export interface SecretForm {
  /** For a person, after "holds". */
  name: string;
  pattern: RegExp;
  /** Where the form is documented: the vendor's page, or a rule of https://github.com/gitleaks/gitleaks. */
  source: string;
  /** Whether a text of that form is one indeed. */
  isGenuine?: (text: string) => boolean;
}

/** A short option (`-t`), an escape of URLs (`%3D`) or of JSON (`\n`): its last letter is not part of what follows. */
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
    // Stricter on its left: what it may begin with is also what it reads over.
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

/** What documentation writes where a secret goes; a random secret of 200 characters holds it once in some 170,000. */
const PLACEHOLDER = /x{8}|your[-_]|placeholder/i;

/** The first argument that holds a secret, and the form that it has; the secret itself is not told. */
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

/** A pattern that begins where a word can. */
function word(strings: TemplateStringsArray, ...values: string[]): RegExp {
  return new RegExp(START + String.raw(strings, ...values), "g");
}

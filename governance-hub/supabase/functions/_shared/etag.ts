/** Entity tags (RFC 9110, section 8.8.3): a server's is its version, a list's is its tenant's revision. */

import { invalidField, invalidRequest } from "shared/api_error.ts";
import type { HeaderField } from "shared/schema/annotate.ts";

/** Revisions of lists that a client has. */
export interface KnownRevision {
  tenant_id: string;
  revision: number;
}

type HeaderFields = Record<string, HeaderField>;

/** What the document says of a server's tag in answers, and of conditions on it in requests; then of a list's. */
export const SERVER_ETAG: HeaderFields = {
  ETag: { description: "the server's version", pattern: '^(W/)?"[1-9][0-9]*"$', example: serverEtag(3) },
};
export const IF_MATCH: HeaderFields = {
  "If-Match": {
    description: "the ETag of the server as it must be, else 412; or *. The same as if_version",
    pattern: '^(\\*|(W/)?"[^"]*")$',
    example: serverEtag(3),
  },
};

const EXAMPLE_OF_LIST = listEtag({ tenant_id: "0b7f2c1e-6c1c-4a52-9d27-3a1c0f0d9b11", revision: 7 });

export const LIST_ETAG: HeaderFields = {
  ETag: {
    description: "the revision of all servers of the tenant",
    pattern: '^(W/)?"v1\\.[0-9]+\\.[0-9a-f-]{36}"$',
    example: EXAMPLE_OF_LIST,
  },
};
export const IF_NONE_MATCH: HeaderFields = {
  "If-None-Match": {
    description: "the ETags of this list that the client has; or *, which any list matches",
    example: EXAMPLE_OF_LIST,
  },
};

/** No server has it: a condition on it never holds. */
const NO_VERSION = 0;

const MAX_TAGS = 100;

export function serverEtag(version: number): string {
  return `"${version}"`;
}

/** The first part moves with the form of the answer, so that no client keeps an old form. */
export function listEtag({ tenant_id, revision }: KnownRevision): string {
  return `"v1.${revision}.${tenant_id}"`;
}

/** The revisions that `If-None-Match` names, whether its tags are strong or, as a proxy may make them, weak; or any. */
export function readIfNoneMatch(headers: Headers): KnownRevision[] | "any" {
  const header = headers.get("if-none-match")?.trim() ?? "";
  if (header === "*") return "any";
  const tags = header.matchAll(/"v1\.(\d{1,15})\.([0-9a-f-]{36})"/g);
  return [...tags].slice(0, MAX_TAGS).map(([, revision, tenant_id = ""]) => ({
    tenant_id,
    revision: Number(revision),
  }));
}

/**
 * The version that a change is bound to: `if_version` of the body, or the `If-Match` of the headers; undefined for none.
 * A weak tag is as good: whatever compressed an answer on its way made it weak, and it is the same version.
 *
 * @throws {ApiError} `invalid_request` when they differ, or when `If-Match` holds several tags.
 */
export function readIfMatch(headers: Headers, ifVersion: number | undefined): number | undefined {
  const header = headers.get("if-match")?.trim();
  if (header === undefined || header === "*") return ifVersion;
  if (!/^(W\/)?"[^"]*"$/.test(header)) {
    throw invalidRequest([{ path: "", message: 'the header If-Match must be one ETag of the server, such as "3"' }]);
  }
  const version = /^(?:W\/)?"([1-9]\d{0,8})"$/.exec(header)?.[1];
  const matched = version === undefined ? NO_VERSION : Number(version);
  if (ifVersion !== undefined && ifVersion !== matched) throw invalidField("if_version", "differs from If-Match");
  return matched;
}

/** Entity tags (RFC 9110, section 8.8.3): a server's is its version, a list's is its tenant's revision. */

import { invalidField, invalidRequest } from "shared/api_error.ts";
import type { HeaderField } from "shared/schema/annotate.ts";

/** The revision of a list that a client has. */
export interface KnownRevision {
  tenant_id: string;
  revision: number;
}

type HeaderFields = Record<string, HeaderField>;

export const SERVER_ETAG: HeaderFields = {
  ETag: { description: "the server's version", pattern: '^(W/)?"[1-9][0-9]*"$', example: serverEtag(3) },
};
export const IF_MATCH: HeaderFields = {
  "If-Match": {
    description: "the ETag that the server must have, otherwise 412; or *. The same as if_version",
    pattern: '^(\\*|(W/)?"[^"]*")$',
    example: serverEtag(3),
  },
};

const EXAMPLE_OF_LIST = listEtag({ tenant_id: "0b7f2c1e-6c1c-4a52-9d27-3a1c0f0d9b11", revision: 7 });

export const LIST_ETAG: HeaderFields = {
  ETag: {
    description: "the list's revision, which changes whenever any of the tenant's servers changes",
    pattern: '^(W/)?"v1\\.[0-9]+\\.[0-9a-f-]{36}"$',
    example: EXAMPLE_OF_LIST,
  },
};
export const IF_NONE_MATCH: HeaderFields = {
  "If-None-Match": {
    description: "the ETags of this list that the client has; or *, which matches any list",
    example: EXAMPLE_OF_LIST,
  },
};

/** No server has this version, so a condition on it always fails. */
const NO_VERSION = 0;

const MAX_TAGS = 100;

export function serverEtag(version: number): string {
  return `"${version}"`;
}

/** `v1` is the form of the answer. If the form changes, raise it: clients then discard lists in the old form. */
export function listEtag({ tenant_id, revision }: KnownRevision): string {
  return `"v1.${revision}.${tenant_id}"`;
}

/** The revisions in `If-None-Match`, or "any" for `*`. A proxy may make a tag weak, so weak tags count too. */
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
 * The version that a change requires, from `if_version` in the body or from `If-Match`; undefined if there is neither.
 * A proxy that compresses an answer makes its tag weak. A weak tag still names the same version, so it is accepted.
 *
 * @throws {ApiError} `invalid_request` if the two differ, or if `If-Match` has several tags.
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

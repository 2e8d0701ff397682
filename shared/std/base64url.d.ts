export function encodeBase64Url(data: ArrayBuffer | Uint8Array | string): string;

/** @throws {TypeError} when the text is not base64url. */
export function decodeBase64Url(base64url: string): Uint8Array<ArrayBuffer>;

export function encodeBase64(data: ArrayBuffer | Uint8Array | string): string;

/** @throws {TypeError} when the text is not base64. */
export function decodeBase64(base64: string): Uint8Array<ArrayBuffer>;

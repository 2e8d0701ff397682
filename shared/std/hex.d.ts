export function encodeHex(data: ArrayBuffer | Uint8Array | string): string;

/** @throws when the text is not hex. */
export function decodeHex(hex: string): Uint8Array<ArrayBuffer>;

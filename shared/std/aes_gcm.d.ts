export interface AesGcmOptions {
  additionalData?: BufferSource;
}

/** Returns IV (12 bytes, random) ‖ ciphertext ‖ tag (16 bytes). */
export function encryptAesGcm(
  key: CryptoKey,
  plaintext: BufferSource,
  options?: AesGcmOptions,
): Promise<Uint8Array<ArrayBuffer>>;

/** @throws {RangeError} under 28 bytes; {DOMException} when the data does not open. */
export function decryptAesGcm(
  key: CryptoKey,
  data: BufferSource,
  options?: AesGcmOptions,
): Promise<Uint8Array<ArrayBuffer>>;

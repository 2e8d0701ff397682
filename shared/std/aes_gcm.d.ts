export interface AesGcmOptions {
  additionalData?: BufferSource;
}

/** Returns IV (12 bytes, random) ‖ ciphertext ‖ tag (16 bytes). */
export function encryptAesGcm(
  key: CryptoKey,
  plaintext: BufferSource,
  options?: AesGcmOptions,
): Promise<Uint8Array<ArrayBuffer>>;

/** @throws {RangeError} if the data has less than 28 bytes; {DOMException} if it cannot be decrypted. */
export function decryptAesGcm(
  key: CryptoKey,
  data: BufferSource,
  options?: AesGcmOptions,
): Promise<Uint8Array<ArrayBuffer>>;

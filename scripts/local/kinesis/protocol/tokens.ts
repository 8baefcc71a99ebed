import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const algorithm = 'aes-256-gcm';
const keyBytes = 32;
const ivBytes = 12;
const tagBytes = 16;

/**
 * Seals what a shard iterator or a NextToken stands for, so that it is opaque and cannot be altered or made up, nor used for
 * another purpose than its own.
 * The key lives as long as the server: tokens of an earlier run are refused, as are the streams they belonged to.
 */
export class Tokens {
  readonly #key = randomBytes(keyBytes);

  /** `purpose`: the operation of a NextToken, or `ShardIterator`. */
  seal(purpose: string, value: unknown): string {
    const iv = randomBytes(ivBytes);
    const cipher = createCipheriv(algorithm, this.#key, iv).setAAD(Buffer.from(purpose));
    const body = Buffer.concat([cipher.update(JSON.stringify(value), 'utf8'), cipher.final()]);
    return Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64');
  }

  /** Undefined for anything that this server did not seal for this purpose. */
  open(purpose: string, token: string): unknown {
    const sealed = Buffer.from(token, 'base64');
    if (sealed.length <= ivBytes + tagBytes || sealed.toString('base64') !== token) return undefined;
    try {
      const decipher = createDecipheriv(algorithm, this.#key, sealed.subarray(0, ivBytes), { authTagLength: tagBytes });
      decipher.setAAD(Buffer.from(purpose)).setAuthTag(sealed.subarray(ivBytes, ivBytes + tagBytes));
      const text = Buffer.concat([decipher.update(sealed.subarray(ivBytes + tagBytes)), decipher.final()]);
      const value: unknown = JSON.parse(text.toString('utf8'));
      return value;
    } catch {
      return undefined; // the authentication tag does not fit: forged, from another server, or for another purpose
    }
  }
}

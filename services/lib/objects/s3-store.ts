import { createHash } from 'node:crypto';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { isPlatformError, PlatformError } from '../process/errors.ts';
import { assertKey, assertPrefix } from './keys.ts';
import type { ObjectInfo, ObjectStore } from './object-store.ts';

/** S3 answers 409 when two conditional writes of one key meet; it asks to try again (S3 user guide, conditional writes). */
const maxConflictRetries = 5;
/** Keys an answer of ListObjectsV2 holds at most. */
const maxPageSize = 1_000;

const statusOf = (error: unknown): number | undefined => (error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined);
const hexOf = (base64: string): string => Buffer.from(base64, 'base64').toString('hex');

/**
 * Objects in a bucket. `create` is a conditional PUT (If-None-Match: *) that carries the body's SHA-256, which S3 checks and keeps.
 * A PUT whose answer was lost is repeated by the SDK and then finds its own object: `exists`.
 */
export class S3Store implements ObjectStore {
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #pageSize: number;

  /** `prefix`: empty, or ends with '/'. */
  constructor(client: S3Client, bucket: string, prefix: string, pageSize = maxPageSize) {
    this.#client = client;
    this.#bucket = bucket;
    this.#prefix = prefix;
    this.#pageSize = pageSize;
  }

  async create(key: string, body: Buffer, contentType = 'application/octet-stream'): Promise<'created' | 'exists'> {
    assertKey(key);
    const command = new PutObjectCommand({
      Bucket: this.#bucket,
      Key: this.#prefix + key,
      Body: body,
      ContentType: contentType,
      ContentLength: body.length,
      IfNoneMatch: '*',
      ChecksumAlgorithm: 'SHA256',
      ChecksumSHA256: createHash('sha256').update(body).digest('base64'),
    });
    return this.#guard('create', key, async () => {
      for (let attempt = 0; ; attempt++) {
        try {
          await this.#client.send(command);
          return 'created';
        } catch (error) {
          if (statusOf(error) === 412) return 'exists';
          if (statusOf(error) !== 409 || attempt >= maxConflictRetries) throw error;
        }
      }
    });
  }

  async read(key: string): Promise<Buffer> {
    assertKey(key);
    return this.#guard('read', key, async () => {
      const answer = await this.#client.send(
        new GetObjectCommand({ Bucket: this.#bucket, Key: this.#prefix + key, ChecksumMode: 'ENABLED' }),
      );
      const body = Buffer.from((await answer.Body?.transformToByteArray()) ?? []);
      const stored = this.#storedSha256(key, answer.ChecksumSHA256);
      if (createHash('sha256').update(body).digest('hex') !== stored) throw corrupt(key, 'its SHA-256 differs');
      return body;
    });
  }

  async head(key: string): Promise<(ObjectInfo & { readonly sha256: string }) | undefined> {
    assertKey(key);
    return this.#guard('head', key, async () => {
      try {
        const answer = await this.#client.send(
          new HeadObjectCommand({ Bucket: this.#bucket, Key: this.#prefix + key, ChecksumMode: 'ENABLED' }),
        );
        return {
          key,
          size: answer.ContentLength ?? 0,
          modifiedAtMs: answer.LastModified?.getTime() ?? 0,
          sha256: this.#storedSha256(key, answer.ChecksumSHA256),
        };
      } catch (error) {
        if (statusOf(error) === 404) return undefined;
        throw error;
      }
    });
  }

  async *list(prefix: string): AsyncIterable<ObjectInfo> {
    assertPrefix(prefix);
    let token: string | undefined;
    do {
      const page = await this.#guard('list', prefix, () =>
        this.#client.send(
          new ListObjectsV2Command({
            Bucket: this.#bucket,
            Prefix: this.#prefix + prefix,
            MaxKeys: this.#pageSize,
            ContinuationToken: token,
          }),
        ),
      );
      for (const object of page.Contents ?? []) {
        if (object.Key === undefined) continue;
        yield { key: object.Key.slice(this.#prefix.length), size: object.Size ?? 0, modifiedAtMs: object.LastModified?.getTime() ?? 0 };
      }
      token = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  async delete(key: string): Promise<void> {
    assertKey(key);
    await this.#guard('delete', key, () => this.#client.send(new DeleteObjectCommand({ Bucket: this.#bucket, Key: this.#prefix + key })));
  }

  #storedSha256(key: string, base64: string | undefined): string {
    if (base64 === undefined) throw corrupt(key, 'no SHA-256 is stored with it');
    return hexOf(base64);
  }

  async #guard<T>(what: string, key: string, action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (cause) {
      if (isPlatformError(cause)) throw cause;
      if (statusOf(cause) === 404 && what === 'read') throw new PlatformError('OBJECT_MISSING', `no object ${key}`, { cause });
      const status = statusOf(cause) ?? 'no answer';
      throw new PlatformError('OBJECT_UNAVAILABLE', `cannot ${what} object ${key} in ${this.#bucket}: ${status}`, {
        // A right that is missing does not come by waiting. (For a key that is missing S3 says so too, unless s3:ListBucket is granted.)
        retriable: status !== 403,
        cause,
      });
    }
  }
}

const corrupt = (key: string, why: string): PlatformError =>
  new PlatformError('OBJECT_CORRUPT', `object ${key} is not what was stored: ${why}`);

import { isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import { S3Client } from '@aws-sdk/client-s3';
import { type AwsConfig, httpHandler, localCredentials } from '../process/aws.ts';
import { isLoopbackUrl } from '../process/config.ts';
import { PlatformError } from '../process/errors.ts';
import { FileStore } from './file-store.ts';
import { isKey } from './keys.ts';
import type { ObjectStore } from './object-store.ts';
import { S3Store } from './s3-store.ts';

const requestTimeoutMs = 30_000;

/**
 * `file:///absolute/dir`, or `s3://bucket/prefix`; in local mode an s3 URL must name a server on loopback:
 * `s3://bucket/prefix?endpoint=http://127.0.0.1:7070`. Throws CONFIG_INVALID; touches nothing yet.
 */
export function openObjectStore(url: string, aws: Pick<AwsConfig, 'AWS_REGION' | 'LOCAL_MODE'>): ObjectStore {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol === 'file:' && parsed.host === '' && parsed.search === '') {
    const folder = fileURLToPath(parsed);
    if (isAbsolute(folder) && folder !== '/') return new FileStore(folder);
  }
  if (parsed?.protocol === 's3:' && /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(parsed.hostname)) {
    const prefix = parsed.pathname.replace(/^\/|\/$/g, '');
    if (prefix === '' || isKey(prefix)) {
      const endpoint = localEndpoint(url, parsed, aws.LOCAL_MODE);
      return new S3Store(s3Client(aws.AWS_REGION, endpoint), parsed.hostname, prefix === '' ? '' : `${prefix}/`);
    }
  }
  throw new PlatformError('CONFIG_INVALID', `OBJECTS_URL is ${JSON.stringify(url)}: expected file:///dir or s3://bucket/prefix`);
}

function localEndpoint(url: string, parsed: URL, localMode: boolean): string | undefined {
  const endpoint = parsed.searchParams.get('endpoint') ?? undefined;
  if (localMode ? endpoint !== undefined && isLoopbackUrl(endpoint) : parsed.search === '') return endpoint;
  const expected = localMode
    ? 'file:///dir or s3://bucket/prefix?endpoint=http://127.0.0.1:PORT, since LOCAL_MODE is true'
    : 's3://bucket/prefix';
  throw new PlatformError('CONFIG_INVALID', `OBJECTS_URL is ${JSON.stringify(url)}: expected ${expected}`);
}

function s3Client(region: string, endpoint: string | undefined): S3Client {
  return new S3Client({
    region,
    maxAttempts: 4,
    // Only checksums that are asked for: the stored SHA-256 is the one that counts.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: httpHandler(requestTimeoutMs),
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true, credentials: localCredentials }),
  });
}

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { findProgram } from '../../../../scripts/setup/prerequisites.mjs';
import { s3Programs } from '../../../support/optional.ts';

const startDeadlineMs = 15_000;

type Program = (typeof s3Programs)[number];

const argumentsOf: Readonly<Record<Program, (port: number, folder: string) => string[]>> = {
  versitygw: (port, folder) => ['--port', `127.0.0.1:${port}`, '--quiet', 'posix', folder],
  moto_server: (port) => ['-H', '127.0.0.1', '-p', String(port)],
};

export interface S3Server {
  readonly endpoint: string;
  close(): Promise<void>;
}

/** The first of `s3Programs` that this machine has (part `s3`), with a bucket. */
export async function startS3Server(bucket: string): Promise<S3Server> {
  const program = s3Programs.find((name) => findProgram(name, process.env) !== undefined);
  assert.ok(program, 'no S3 server on this machine');
  const folder = await mkdtemp(join(tmpdir(), 's3-'));
  const port = await freePort();
  const child = spawn(program, argumentsOf[program](port, folder), {
    stdio: 'ignore',
    env: { ...process.env, ROOT_ACCESS_KEY: 'local', ROOT_SECRET_KEY: 'local' },
  });
  const endpoint = `http://127.0.0.1:${port}`;
  const close = async (): Promise<void> => {
    await stopped(child);
    await rm(folder, { recursive: true, force: true });
  };
  const client = new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  for (const started = Date.now(); ; await sleep(50)) {
    try {
      await client.send(new CreateBucketCommand({ Bucket: bucket }));
      return { endpoint, close };
    } catch (error) {
      if (Date.now() - started < startDeadlineMs && child.exitCode === null) continue;
      await close();
      throw error;
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await exited;
}

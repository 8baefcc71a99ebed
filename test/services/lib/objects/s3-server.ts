import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';

const startDeadlineMs = 15_000;

interface Program {
  readonly command: string;
  readonly args: (port: number, folder: string) => string[];
}

const gateway = (command: string): Program => ({
  command,
  args: (port, folder) => ['--port', `127.0.0.1:${port}`, '--quiet', 'posix', folder],
});

/** A real S3 server of another maker, if this machine has one. */
export function findS3Server(): Program | undefined {
  const candidates = [
    gateway('versitygw'),
    gateway(join(homedir(), 'go', 'bin', 'versitygw')),
    { command: 'moto_server', args: (port: number) => ['-H', '127.0.0.1', '-p', String(port)] },
  ];
  return candidates.find(({ command }) => spawnSync(command, ['--help'], { stdio: 'ignore' }).status === 0);
}

export interface S3Server {
  readonly endpoint: string;
  close(): Promise<void>;
}

export async function startS3Server(program: Program, bucket: string): Promise<S3Server> {
  const folder = await mkdtemp(join(tmpdir(), 's3-'));
  const port = await freePort();
  const child = spawn(program.command, program.args(port, folder), {
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

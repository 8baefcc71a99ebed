import { randomBytes } from 'node:crypto';
import {
  CreateStreamCommand,
  type CreateStreamCommandInput,
  DeleteStreamCommand,
  DescribeStreamSummaryCommand,
  KinesisClient,
  ListShardsCommand,
  type Shard,
} from '@aws-sdk/client-kinesis';
import { Guard } from './guard.ts';
import type { Target } from './target.ts';

/** All streams of the suite begin with this, in every run. */
export const streamPrefix = 'kinesis-conformance-';

export interface TestStream {
  readonly name: string;
  readonly arn: string;
  /** As the stream began. */
  readonly shards: readonly Shard[];
}

const lookMs = 500;
export const throttles: ReadonlySet<string> = new Set([
  'LimitExceededException',
  'ProvisionedThroughputExceededException',
  'ThrottlingException',
]);

/** One run against one target: its client, its guard, and every stream it made, until all are deleted. */
export class Session {
  readonly target: Target;
  readonly client: KinesisClient;
  readonly guard: Guard;
  readonly #shared = new Map<number, Promise<TestStream>>();
  #names = 0;

  constructor(target: Target) {
    this.target = target;
    this.guard = new Guard(`${streamPrefix}${randomBytes(4).toString('hex')}-`, target.budget);
    this.client = new KinesisClient({ ...target.client, maxAttempts: 1 });
    this.client.middlewareStack.add(
      (next, context) => async (args) => {
        const operation = (context.commandName ?? '').replace(/Command$/, '');
        this.guard.inspect(operation, args.input);
        const result = await next(args);
        this.guard.accepted(operation, args.input);
        return result;
      },
      { step: 'initialize', name: 'guard' },
    );
  }

  /** A name of this run that no stream has or had. */
  name(): string {
    this.#names += 1;
    return `${this.guard.prefix}${this.#names}`;
  }

  async create(shardCount: number, input: Partial<CreateStreamCommandInput> = {}): Promise<TestStream> {
    const name = this.name();
    await this.patiently(() => this.client.send(new CreateStreamCommand({ StreamName: name, ShardCount: shardCount, ...input })));
    return this.active(name);
  }

  /** A stream that all checks of the run may write to and none may alter. */
  shared(shardCount: number): Promise<TestStream> {
    const found = this.#shared.get(shardCount) ?? this.create(shardCount);
    this.#shared.set(shardCount, found);
    return found;
  }

  /** Waits until the stream is ACTIVE. */
  async active(name: string): Promise<TestStream> {
    const summary = await this.until(`${name} is ACTIVE`, async () => {
      const { StreamDescriptionSummary } = await this.client.send(new DescribeStreamSummaryCommand({ StreamName: name }));
      return StreamDescriptionSummary?.StreamStatus === 'ACTIVE' ? StreamDescriptionSummary : undefined;
    });
    const { Shards = [] } = await this.patiently(() => this.client.send(new ListShardsCommand({ StreamName: name })));
    return { name, arn: summary.StreamARN ?? '', shards: Shards };
  }

  /** Looks until there is an answer; a throttled look counts as none. Rejects when the target's patience ends. */
  async until<T>(what: string, look: () => Promise<T | undefined>, everyMs = lookMs): Promise<T> {
    const deadline = performance.now() + this.target.patienceMs;
    for (;;) {
      const found = await look().catch((error: unknown) => {
        if (isThrottle(error)) return undefined;
        throw error;
      });
      if (found !== undefined) return found;
      if (performance.now() > deadline) throw new Error(`not so within ${this.target.patienceMs} ms: ${what}`);
      await this.target.pause(everyMs);
    }
  }

  /** Repeats what is throttled. */
  async patiently<T>(call: () => Promise<T>): Promise<T> {
    const { answer } = await this.until('a call is not throttled', async () => ({ answer: await call() }));
    return answer;
  }

  /** Deletes a stream with its consumers and forgets it; one that is not there is as good as deleted. */
  async remove(name: string): Promise<void> {
    await this.until(`${name} is deleted`, async () => {
      try {
        await this.client.send(new DeleteStreamCommand({ StreamName: name, EnforceConsumerDeletion: true }));
        return true;
      } catch (error) {
        if (nameOf(error) === 'ResourceNotFoundException') return true;
        if (nameOf(error) === 'ResourceInUseException') return undefined;
        throw error;
      }
    });
    this.guard.deleted(name);
  }

  /** After a failed check, which may have altered them: the next check gets new ones. */
  forgetShared(): void {
    this.#shared.clear();
  }

  /** Deletes all but the shared streams. */
  async tidy(): Promise<void> {
    const kept = new Set(
      (await Promise.allSettled(this.#shared.values())).flatMap((s) => (s.status === 'fulfilled' ? [s.value.name] : [])),
    );
    await this.#removeAll([...this.guard.streams].filter((name) => !kept.has(name)));
  }

  /** Deletes every stream of the run, whatever happened before; rejects with the names of those it could not delete. */
  async close(): Promise<void> {
    try {
      await this.#removeAll([...this.guard.streams]);
    } finally {
      this.client.destroy();
    }
  }

  async #removeAll(names: readonly string[]): Promise<void> {
    const left: string[] = [];
    for (const name of names) await this.remove(name).catch((error: unknown) => left.push(`${name} (${String(error)})`));
    if (left.length > 0) throw new Error(`streams that could not be deleted: ${left.join(', ')}`);
  }
}

export const isThrottle = (error: unknown): boolean => throttles.has(nameOf(error));

/** The error's name in the API. */
export const nameOf = (error: unknown): string => (error instanceof Error ? error.name : '');

import assert from 'node:assert/strict';
import {
  type _Record,
  type CreateStreamCommandInput,
  GetRecordsCommand,
  type GetRecordsCommandOutput,
  GetShardIteratorCommand,
  type GetShardIteratorCommandInput,
  type KinesisClient,
  ListShardsCommand,
  PutRecordCommand,
  PutRecordsCommand,
  type PutRecordsRequestEntry,
  type PutRecordsResultEntry,
  type ServiceInputTypes,
  type Shard,
} from '@aws-sdk/client-kinesis';
import { isThrottle, nameOf, type Session, type TestStream, throttles } from './session.ts';
import { decodeBody, encodeBody, json, type RawAnswer, type RawRequest, sendRaw, type WholeAnswer, wholeAnswer } from './wire.ts';

export type Start = Pick<GetShardIteratorCommandInput, 'ShardIteratorType' | 'StartingSequenceNumber' | 'Timestamp'>;

/** What any command of the SDK is to the context. */
type Send = KinesisClient['send'];
type AnyCommand = Parameters<Send>[0];

/** What a check has at hand. Everything it makes is deleted after it. */
export class Context {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  /** Sends once and repeats while it is throttled. */
  readonly send = ((command: AnyCommand) => this.#session.patiently(() => this.#session.client.send(command))) as Send;

  /** Sends once, whatever the answer. */
  readonly attempt = ((command: AnyCommand) => this.#session.client.send(command)) as Send;

  /** Asserts that the API refuses the command with one of these errors; answers the error. */
  async refused(command: { readonly input: ServiceInputTypes }, ...names: readonly string[]): Promise<Error> {
    const error = await this.#session.until('the call is not throttled', async () => {
      try {
        await this.#session.client.send(command as AnyCommand);
      } catch (thrown) {
        if (isThrottle(thrown) && !names.includes(nameOf(thrown))) return undefined;
        return thrown as Error;
      }
      throw new Error(`accepted, not refused with ${names.join(' or ')}`);
    });
    assert.ok(names.includes(error.name), `refused with ${error.name} (${error.message}), not with ${names.join(' or ')}`);
    return error;
  }

  /** A request as it stands; the answer's body is read by the caller. */
  async open(request: RawRequest): Promise<RawAnswer> {
    const { guard, client } = this.#session;
    const operation = request.target.split('.').at(-1) ?? '';
    const input = decodeBody(request.contentType, Buffer.from(request.body));
    guard.inspect(operation, input);
    const answer = await sendRaw(client, request);
    if (answer.status === 200) guard.accepted(operation, input);
    return answer;
  }

  /** Repeats what is throttled, but not for ever: the throttle may be the answer. */
  async raw(request: RawRequest, repeats = 5): Promise<WholeAnswer> {
    const answer = await wholeAnswer(await this.open(request));
    if (repeats === 0 || !throttles.has(typeOf(answer))) return answer;
    await this.#session.target.pause(1_000);
    return this.raw(request, repeats - 1);
  }

  /** An operation with members as they stand, whatever their types. */
  operation(name: string, input: unknown, contentType: string = json): Promise<WholeAnswer> {
    return this.raw({ target: `Kinesis_20131202.${name}`, contentType, body: encodeBody(contentType, input) });
  }

  /** As `refused`, for members that the SDK would not let through. */
  async refusedRaw(name: string, input: unknown, ...types: readonly string[]): Promise<void> {
    const answer = await this.operation(name, input);
    assert.equal(answer.status, 400);
    const type = typeOf(answer);
    assert.ok(types.includes(type), `refused with ${type} (${answer.body.toString()}), not with ${types.join(' or ')}`);
  }

  /** A stream of this check's own. */
  stream(shardCount = 1, input: Partial<CreateStreamCommandInput> = {}): Promise<TestStream> {
    return this.#session.create(shardCount, input);
  }

  /** A stream of all checks: records may be put, nothing altered. */
  shared(shardCount = 1): Promise<TestStream> {
    return this.#session.shared(shardCount);
  }

  /** A name of this run that no stream has or had. */
  name(): string {
    return this.#session.name();
  }

  get prefix(): string {
    return this.#session.guard.prefix;
  }

  active(name: string): Promise<TestStream> {
    return this.#session.active(name);
  }

  until<T>(what: string, look: () => Promise<T | undefined>, everyMs?: number): Promise<T> {
    return this.#session.until(what, look, everyMs);
  }

  /** The target's time, epoch ms. */
  now(): number {
    return this.#session.target.now();
  }

  /** Moves the target's clock; the check needs `clock`. */
  pass(ms: number): void {
    this.#session.target.pass(ms);
  }

  /** Lets this much of the target's time pass. */
  rest(ms: number): Promise<void> {
    return this.#session.target.rest(ms);
  }

  async shards(stream: TestStream): Promise<Shard[]> {
    return (await this.send(new ListShardsCommand({ StreamName: stream.name }))).Shards ?? [];
  }

  async put(stream: TestStream, key: string, data = key, extra: Partial<PutRecordsRequestEntry> = {}): Promise<Put> {
    const { ShardId = '', SequenceNumber = '' } = await this.send(
      new PutRecordCommand({ StreamName: stream.name, PartitionKey: key, Data: Buffer.from(data), ...extra }),
    );
    return { shardId: ShardId, sequence: SequenceNumber };
  }

  async putAll(stream: TestStream, entries: readonly PutRecordsRequestEntry[]): Promise<PutRecordsResultEntry[]> {
    const { Records = [] } = await this.send(new PutRecordsCommand({ StreamName: stream.name, Records: [...entries] }));
    return Records;
  }

  async iterator(stream: TestStream, shardId: string, start: Start = { ShardIteratorType: 'TRIM_HORIZON' }): Promise<string> {
    const answer = await this.send(new GetShardIteratorCommand({ StreamName: stream.name, ShardId: shardId, ...start }));
    assert.ok(answer.ShardIterator);
    return answer.ShardIterator;
  }

  get(iterator: string | undefined, limit?: number): Promise<GetRecordsCommandOutput> {
    return this.send(new GetRecordsCommand({ ShardIterator: iterator, ...(limit === undefined ? {} : { Limit: limit }) }));
  }

  /**
   * Reads from an iterator until `count` records are there, the shard ends, or the tip is reached when no count is given. An
   * empty answer is no end: "It might take multiple calls to get to a portion of the shard that contains records" (GetRecords).
   */
  async read(from: string, count?: number): Promise<{ records: _Record[]; last: GetRecordsCommandOutput }> {
    const records: _Record[] = [];
    let iterator: string | undefined = from;
    const last = await this.until(`${count ?? 'all'} records are read`, async () => {
      const answer: GetRecordsCommandOutput = await this.#session.client.send(new GetRecordsCommand({ ShardIterator: iterator }));
      records.push(...(answer.Records ?? []));
      iterator = answer.NextShardIterator;
      const done = iterator === undefined || (count === undefined ? answer.MillisBehindLatest === 0 : records.length >= count);
      return done ? answer : undefined;
    });
    return { records, last };
  }
}

export interface Put {
  readonly shardId: string;
  readonly sequence: string;
}

/** The error's name in a raw answer, without a namespace before `#`. */
export const typeOf = ({ value }: WholeAnswer): string => String(value?.['__type']).replace(/^.*#/, '');

export const textOf = ({ Data }: _Record): string => Buffer.from(Data ?? []).toString();
export const textsOf = (records: readonly _Record[]): string[] => records.map(textOf);

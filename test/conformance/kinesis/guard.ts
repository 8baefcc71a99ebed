import type { Budget } from './target.ts';

const wellFormedName = /^[a-zA-Z0-9_.-]{1,128}$/;
/** Of a stream, or of a consumer: that contains the stream's. */
const streamInArn = /^arn:[^:]*:kinesis:[^:]*:\d{12}:stream\/([^/]+)/;
/** What a stream without a ShardCount begins with: it is on demand. */
const onDemandShards = 4;
const accountWide: ReadonlySet<string> = new Set(['ListStreams']);

/**
 * Stands between the checks and the target: a request leaves only when it addresses streams of this run, and within the budget.
 * What AWS would refuse as malformed (a name with a space, a body that is no JSON) addresses nothing and may leave.
 */
export class Guard {
  readonly prefix: string;
  /** Streams that were asked for and not deleted since. */
  readonly streams = new Set<string>();
  /** Of all requests that left, for whoever wants to look. */
  readonly addressed = new Set<string>();
  readonly spent = { createdStreams: 0, createdShards: 0, records: 0 };
  readonly #budget: Budget;

  constructor(prefix: string, budget: Budget) {
    this.prefix = prefix;
    this.#budget = budget;
  }

  /** Throws when the request must not leave. `operation` is the name as in x-amz-target. */
  inspect(operation: string, input: unknown): void {
    const members = isRecord(input) ? input : {};
    const arns = ['StreamARN', 'ConsumerARN', 'ResourceARN'].flatMap((member) => matchOf(streamInArn, members[member]));
    const names = [...matchOf(wellFormedName, members['StreamName']), ...arns];
    for (const name of names) {
      if (!name.startsWith(this.prefix)) throw new Error(`${operation} would address ${name}, which is no stream of this run`);
      this.addressed.add(name);
    }
    if (operation === 'UpdateAccountSettings') throw new Error(`${operation} concerns the whole account`);
    if (accountWide.has(operation)) return;
    if (operation === 'PutRecord') this.#spend('records', 1);
    if (operation === 'PutRecords' && Array.isArray(members['Records'])) this.#spend('records', members['Records'].length);
    if (operation === 'CreateStream') for (const name of names) this.#create(name);
    if (operation === 'UpdateShardCount' || operation === 'SplitShard') this.#spend('createdShards', 2);
  }

  /** The target has done it: a stream that was refused has no shards. */
  accepted(operation: string, input: unknown): void {
    if (operation !== 'CreateStream') return;
    const shards = isRecord(input) ? input['ShardCount'] : undefined;
    this.#spend('createdShards', typeof shards === 'number' ? shards : onDemandShards);
  }

  deleted(name: string): void {
    this.streams.delete(name);
  }

  #create(name: string): void {
    if (!this.streams.has(name) && this.streams.size >= this.#budget.streams) {
      throw new Error(`the budget allows ${this.#budget.streams} streams at one time`);
    }
    this.#spend('createdStreams', 1);
    this.streams.add(name); // before the answer, which may be lost
  }

  #spend(what: keyof Guard['spent'], amount: number): void {
    this.spent[what] += amount;
    if (this.spent[what] > this.#budget[what]) throw new Error(`the budget of ${this.#budget[what]} ${what} is spent`);
  }
}

function matchOf(pattern: RegExp, value: unknown): string[] {
  const match = typeof value === 'string' ? pattern.exec(value) : null;
  return match === null ? [] : [match[1] ?? match[0]];
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null;

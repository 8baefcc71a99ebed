import type { Subject } from '../faults/subject.ts';
import type { ApiError } from '../protocol/errors.ts';
import type { Clock } from '../store/clock.ts';
import type { Batch } from '../store/record-log.ts';
import { type Dimensions, Meter } from './meter.ts';
import { type MetricName, metricUnits, type Unit } from './names.ts';
import { PutTally } from './put-tally.ts';
import type { Datapoint } from './series.ts';

/** CloudWatch's period for Kinesis ("every minute"); a shorter one serves drills that cannot wait for it. */
export const defaultPeriodMs = 60_000;
export const shortestPeriodMs = 1_000;
export const longestPeriodMs = 3_600_000;
/** CloudWatch keeps datapoints of less than 60 s for 3 h (GetMetricData, retention); here all of them. */
const retentionMs = 3 * 3_600_000;
/** Of one metric: 3 h of minutes are 180, of seconds 10 minutes. */
const maxPeriods = 600;
/** Of one query, as GetMetricData answers at most: some 20 MB of JSON. */
const maxDatapoints = 100_800;
/** Streams, shards and consumers that are measured; beyond, the one that was silent the longest is forgotten. */
const maxMeters = 4_096;

export interface MetricQuery {
  readonly stream?: string | undefined;
  readonly shard?: string | undefined;
  readonly consumer?: string | undefined;
  readonly names?: readonly MetricName[] | undefined;
  /** Epoch ms: from ≤ timestamp < to, as GetMetricData has it. */
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
  /** Only the last datapoint of each. */
  readonly latest?: boolean;
}

export interface MetricResult extends Dimensions {
  readonly name: MetricName;
  readonly unit: Unit;
  readonly datapoints: readonly Datapoint[];
}

/** A query that would answer more than `maxDatapoints`. */
export class TooManyDatapoints extends Error {
  constructor() {
    super(`the query asks for more than ${maxDatapoints} datapoints`);
  }
}

/** What a subscription sent in one event. */
export interface PublishedEvent {
  readonly bytes: number;
  readonly records: number;
  readonly millisBehind: number;
}

/** CloudWatch's metrics of a Kinesis, measured per operation, so that a record costs two additions (PutTally). */
export class Metrics {
  readonly periodMs: number;
  readonly #clock: Clock;
  readonly #maxPeriods: number;
  readonly #meters = new Map<string, Meter>();

  /** Throws RangeError for a period that is no whole number of ms between the shortest and the longest. */
  constructor(clock: Clock, periodMs: number = defaultPeriodMs) {
    if (!Number.isInteger(periodMs) || periodMs < shortestPeriodMs || periodMs > longestPeriodMs) {
      throw new RangeError(`a metrics period of ${periodMs} ms is not between ${shortestPeriodMs} and ${longestPeriodMs}`);
    }
    this.#clock = clock;
    this.periodMs = periodMs;
    this.#maxPeriods = Math.min(maxPeriods, Math.ceil(retentionMs / periodMs));
  }

  /** A put that was carried out, for some or none of its records. */
  put(operation: 'PutRecord' | 'PutRecords', stream: string, tally: PutTally, latencyMs: number): void {
    const start = this.#periodStart();
    const { records, bytes, throttled } = tally.total();
    const meter = this.#meter({ stream });
    meter.add(`${operation}.Latency`, start, latencyMs);
    meter.add(`${operation}.Success`, start, records > 0 ? 1 : 0);
    meter.add('WriteProvisionedThroughputExceeded', start, throttled);
    if (records > 0) {
      meter.add(`${operation}.Bytes`, start, bytes);
      meter.add('IncomingBytes', start, bytes);
      meter.add('IncomingRecords', start, records);
    }
    if (operation === 'PutRecords') {
      meter.add('PutRecords.TotalRecords', start, records + throttled + tally.failed);
      meter.add('PutRecords.SuccessfulRecords', start, records);
      meter.add('PutRecords.FailedRecords', start, tally.failed);
      meter.add('PutRecords.ThrottledRecords', start, throttled);
    }
    for (const [shard, part] of tally.byShard) {
      const ofShard = this.#meter({ stream, shard: shard.id });
      ofShard.add('WriteProvisionedThroughputExceeded', start, part.throttled);
      if (part.records === 0) continue;
      ofShard.add('IncomingBytes', start, part.bytes);
      ofShard.add('IncomingRecords', start, part.records);
    }
  }

  /** A GetRecords that was answered. */
  got(stream: string, shard: string, batch: Batch, latencyMs: number): void {
    const start = this.#periodStart();
    const ageMs = this.#iteratorAge(batch);
    const meter = this.#meter({ stream });
    meter.add('GetRecords.Latency', start, latencyMs);
    meter.add('GetRecords.Success', start, 1);
    meter.add('GetRecords.Bytes', start, batch.bytes);
    meter.add('GetRecords.Records', start, batch.count);
    meter.add('GetRecords.IteratorAgeMilliseconds', start, ageMs);
    meter.add('ReadProvisionedThroughputExceeded', start, 0);
    const ofShard = this.#meter({ stream, shard });
    ofShard.add('OutgoingBytes', start, batch.bytes);
    ofShard.add('OutgoingRecords', start, batch.count);
    ofShard.add('IteratorAgeMilliseconds', start, ageMs);
    ofShard.add('ReadProvisionedThroughputExceeded', start, 0);
  }

  /** A subscription that was opened. */
  subscribed(stream: string, consumer: string): void {
    const start = this.#periodStart();
    const meter = this.#meter({ stream, consumer });
    meter.add('SubscribeToShard.Success', start, 1);
    meter.add('SubscribeToShard.RateExceeded', start, 0);
  }

  /** An event of a subscription that was sent. */
  published(stream: string, shard: string, consumer: string, { bytes, records, millisBehind }: PublishedEvent): void {
    const start = this.#periodStart();
    const meter = this.#meter({ stream, consumer });
    meter.add('SubscribeToShardEvent.Success', start, 1);
    meter.add('SubscribeToShardEvent.Bytes', start, bytes);
    meter.add('SubscribeToShardEvent.Records', start, records);
    meter.add('SubscribeToShardEvent.MillisBehindLatest', start, millisBehind);
    const ofShard = this.#meter({ stream, shard });
    ofShard.add('OutgoingBytes', start, bytes);
    ofShard.add('OutgoingRecords', start, records);
  }

  /** A request that was answered with an error. Only what the server is to blame for or its limits refused is measured. */
  refused(subject: Subject, error: ApiError, latencyMs: number): void {
    const { operation, stream } = subject;
    const throttled = error.code === 'ProvisionedThroughputExceededException';
    if (stream === undefined || !subject.streamExists) return;
    if (operation === 'SubscribeToShard') this.#subscriptionRefused(stream, subject.consumer, error);
    else if (!throttled && error.status < 500) return;
    else if (operation === 'GetRecords') this.#readRefused(stream, subject.readShard?.id, throttled, latencyMs);
    else if (operation === 'PutRecord' || operation === 'PutRecords') {
      const tally = new PutTally();
      for (const [shard, records] of subject.records()) {
        if (throttled) tally.throttled(shard, records);
        else tally.failed += records;
      }
      this.put(operation, stream, tally, latencyMs);
    }
  }

  /** Streams by name, each with its shards and consumers behind it; datapoints oldest first. Throws TooManyDatapoints. */
  query({ stream, shard, consumer, names, fromMs, toMs, latest }: MetricQuery): MetricResult[] {
    const oldestMs = this.#clock.now() - retentionMs;
    const from = Math.max(fromMs ?? oldestMs, oldestMs);
    let total = 0;
    const meters = [...this.#meters.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, meter]) => meter);
    return meters
      .filter(({ dimensions }) => (stream ?? dimensions.stream) === dimensions.stream)
      .filter(({ dimensions }) => shard === undefined || shard === dimensions.shard)
      .filter(({ dimensions }) => consumer === undefined || consumer === dimensions.consumer)
      .flatMap((meter) =>
        meter
          .names()
          .filter((name) => names?.includes(name) ?? true)
          .map((name) => {
            const found = meter.datapoints(name, from, toMs ?? Number.POSITIVE_INFINITY);
            const datapoints = latest === true ? found.slice(-1) : found;
            total += datapoints.length;
            if (total > maxDatapoints) throw new TooManyDatapoints();
            return { ...meter.dimensions, name, unit: metricUnits[name], datapoints };
          }),
      )
      .filter(({ datapoints }) => datapoints.length > 0);
  }

  /**
   * How old the last record of an answer was, 0 when it was the newest of its shard. An answer without records although there
   * are some counts as its next record's, so that a reader that gets nothing is seen to fall behind.
   */
  #iteratorAge({ pieces, next }: Batch): number {
    if (next === undefined) return 0;
    const last = pieces.at(-1);
    return Math.max(0, this.#clock.now() - (last === undefined ? next.arrivalMs : last.slab.arrivalOf(last.to - 1)));
  }

  #readRefused(stream: string, shard: string | undefined, throttled: boolean, latencyMs: number): void {
    const start = this.#periodStart();
    const meter = this.#meter({ stream });
    meter.add('GetRecords.Latency', start, latencyMs);
    meter.add('GetRecords.Success', start, 0);
    meter.add('ReadProvisionedThroughputExceeded', start, throttled ? 1 : 0);
    if (shard !== undefined) this.#meter({ stream, shard }).add('ReadProvisionedThroughputExceeded', start, throttled ? 1 : 0);
  }

  /** "Because there already is an active subscription by the same consumer or if you exceed the number of calls per second". */
  #subscriptionRefused(stream: string, consumer: string | undefined, { code, status }: ApiError): void {
    const rateExceeded = code === 'LimitExceededException' || code === 'ResourceInUseException';
    if (consumer === undefined || (!rateExceeded && status < 500)) return;
    const start = this.#periodStart();
    const meter = this.#meter({ stream, consumer });
    meter.add('SubscribeToShard.Success', start, 0);
    meter.add('SubscribeToShard.RateExceeded', start, rateExceeded ? 1 : 0);
  }

  #periodStart(): number {
    const nowMs = this.#clock.now();
    return nowMs - (nowMs % this.periodMs);
  }

  #meter(dimensions: Dimensions): Meter {
    const { stream, shard = '', consumer = '' } = dimensions;
    const key = `${stream}/${shard}/${consumer}`; // none of the names has a slash
    let meter = this.#meters.get(key);
    if (meter === undefined) {
      if (this.#meters.size >= maxMeters) this.#forgetOne();
      meter = new Meter(dimensions, this.#maxPeriods);
      this.#meters.set(key, meter);
    }
    return meter;
  }

  #forgetOne(): void {
    let silent: [string, number] | undefined;
    for (const [key, { latestMs }] of this.#meters) if (silent === undefined || latestMs < silent[1]) silent = [key, latestMs];
    if (silent !== undefined) this.#meters.delete(silent[0]);
  }
}

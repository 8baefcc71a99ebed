import type { KinesisClient } from '@aws-sdk/client-kinesis';
import { parseFlags } from '../cli/flags.ts';
import { trafficFlags } from '../generate/flags.ts';
import type { PlannedRecord } from '../generate/planned-record.ts';
import { SendLog, type SentRecord } from '../generate/send-log.ts';
import { Sender } from '../generate/sender.ts';
import { recordsOf } from '../generate/source.ts';

export interface TrafficSettings {
  readonly rate: number;
  readonly seed: number;
  /** Mean pause between planted episodes, each of which raises an alert. */
  readonly episodeEveryMs: number;
}

/** The demo's traffic, with its faults, until it is told to stop. */
export class Traffic {
  readonly log = new SendLog({ keep: true, file: undefined });
  readonly #answeredAt = new Map<string, number>();
  readonly #sending: Promise<void>;
  #over = false;

  constructor(options: {
    readonly kinesis: KinesisClient;
    readonly settings: TrafficSettings;
    readonly signal: AbortSignal;
    /** It cannot go on. */
    readonly onFailure: (error: unknown) => void;
  }) {
    const sender = new Sender({
      kinesis: options.kinesis,
      streams: { changes: 'booking-changes', events: 'booking-events' },
      onSent: (record) => this.#sent(record),
      now: Date.now,
      random: Math.random,
    });
    this.#sending = sender.run(this.#plan(options.settings), options.signal);
    this.#sending.catch(options.onFailure);
  }

  /** When Kinesis had first acknowledged an event of a planted episode, epoch ms. */
  answeredAt(eventId: string): number | undefined {
    return this.#answeredAt.get(eventId);
  }

  /** Resolves when all that was begun is acknowledged. */
  async stop(): Promise<void> {
    this.#over = true;
    await this.#sending;
    await this.log.close();
  }

  *#plan({ rate, seed, episodeEveryMs }: TrafficSettings): Generator<PlannedRecord, void, void> {
    const demo = parseFlags(trafficFlags, []);
    for (const record of recordsOf({ ...demo, rate, seed, episodeEveryMs, startMs: Date.now(), durationMs: Number.POSITIVE_INFINITY })) {
      if (this.#over) return;
      yield record;
    }
  }

  #sent(record: SentRecord): void {
    this.log.add(record);
    const { label, answeredAt } = record;
    const [eventId] = label.eventIds;
    if (label.episode !== undefined && eventId !== undefined && !this.#answeredAt.has(eventId)) this.#answeredAt.set(eventId, answeredAt);
  }
}

import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { KinesisClient } from '@aws-sdk/client-kinesis';
import { fraudDetector } from '../../../services/fraud-detector/service.ts';
import { awaitStream } from '../../../services/lib/kcl/stream.ts';
import { readRows, type StateScope, stateTableDefinition } from '../../../services/lib/state/dynamo-state-table.ts';
import type { StateRow } from '../../../services/lib/state/state-row.ts';

const answerMs = 10_000;

/** One shard's state row as it was seen to have changed. */
export interface StateSighting extends Pick<StateRow, 'epoch' | 'worker' | 'current' | 'previous' | 'final' | 'skips' | 'retired'> {
  /** Epoch ms. */
  readonly at: number;
  readonly shardId: string;
}

/** The rows that changed since they were seen last; what came and went between two looks is not seen. */
export class Sightings {
  readonly all: StateSighting[] = [];
  readonly #last = new Map<string, string>();

  see(rows: ReadonlyMap<string, StateRow>, at: number): void {
    for (const [shardId, { attempt: _, ...row }] of rows) {
      const text = JSON.stringify(row);
      if (this.#last.get(shardId) === text) continue;
      this.#last.set(shardId, text);
      this.all.push({ at, shardId, ...row });
    }
  }
}

/** Reads the detector's state rows whenever it is told to look. */
export class StateWatch {
  readonly sightings = new Sightings();
  readonly #dynamo: DynamoDBClient;
  readonly #scope: Pick<StateScope, 'application' | 'streamId'>;

  static async of({ dynamo, kinesis }: { readonly dynamo: DynamoDBClient; readonly kinesis: KinesisClient }): Promise<StateWatch> {
    const streamId = await awaitStream(kinesis, 'booking-events', answerMs);
    return new StateWatch(dynamo, { application: fraudDetector.consumes?.application ?? '', streamId });
  }

  private constructor(dynamo: DynamoDBClient, scope: Pick<StateScope, 'application' | 'streamId'>) {
    this.#dynamo = dynamo;
    this.#scope = scope;
  }

  async look(): Promise<void> {
    this.sightings.see(await this.rows(), Date.now());
  }

  /** As they are now, by shard. */
  rows(): Promise<ReadonlyMap<string, StateRow>> {
    return readRows(this.#dynamo, stateTableDefinition.name, this.#scope);
  }
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { KinesisClient } from '@aws-sdk/client-kinesis';
import type { Position } from '../../../services/lib/kcl/position.ts';
import { awaitStream } from '../../../services/lib/kcl/stream.ts';
import { isPlatformError } from '../../../services/lib/process/errors.ts';
import type { Database, Session } from '../../../services/lib/warehouse/database.ts';
import { literal } from '../../../services/lib/warehouse/sql.ts';
import { DynamoLoadRegistry } from '../../../services/redshift-loader/registry/registry.ts';
import { redshiftLoader } from '../../../services/redshift-loader/service.ts';
import { type LoadedFile, LoadHistory } from './load-history.ts';

const lookMs = 1_000;
const answerMs = 10_000;
const registryTable = 'load-registry';

const epochMs = (value: string): string => `CAST(EXTRACT(EPOCH FROM ${value}) * 1000 AS BIGINT)`;

interface Watched {
  readonly dynamo: DynamoDBClient;
  readonly kinesis: KinesisClient;
  readonly warehouse: Database;
}

/** Looks at registry and warehouse once a second, whatever happens to them. */
export class LoadWatch {
  readonly history = new LoadHistory();
  readonly registry: DynamoLoadRegistry;
  readonly #warehouse: Database;
  readonly #seen = new Set<string>();

  static async of({ dynamo, kinesis, warehouse }: Watched): Promise<LoadWatch> {
    const streamId = await awaitStream(kinesis, 'booking-events', answerMs);
    const application = redshiftLoader.consumes?.application ?? '';
    return new LoadWatch(new DynamoLoadRegistry(dynamo, registryTable, application, streamId), warehouse);
  }

  private constructor(registry: DynamoLoadRegistry, warehouse: Database) {
    this.registry = registry;
    this.#warehouse = warehouse;
  }

  /** Until the signal aborts; rejects with what is more than a store that does not answer. */
  async run(signal: AbortSignal): Promise<void> {
    const heads = this.#repeat(signal, async () => this.history.sawHeads(await this.registry.heads(), Date.now()));
    const warehouse = this.#repeat(signal, () => this.#lookAtWarehouse());
    await Promise.all([heads, warehouse]);
  }

  async #repeat(signal: AbortSignal, look: () => Promise<void>): Promise<void> {
    while (!signal.aborted) {
      await look().catch((error: unknown) => {
        if (!isPlatformError(error) || !error.retriable) throw error;
      });
      await sleep(lookMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async #lookAtWarehouse(): Promise<void> {
    const session = await this.#warehouse.connect();
    try {
      const { rows } = await session.query('SELECT shard, position FROM load_watermark');
      const files = await this.#newFiles(session);
      this.history.sawWarehouse(new Map(rows.map((row) => [String(row['shard']), String(row['position']) as Position])), files);
    } finally {
      await session.close();
    }
  }

  /** Files without a new event tell nothing of freshness, and are left out. */
  async #newFiles(session: Session): Promise<LoadedFile[]> {
    const ledger = await session.query(`SELECT file_id, shard, ${epochMs('loaded_at')} AS loaded_at FROM load_ledger ORDER BY loaded_at`);
    const fresh = ledger.rows.filter((row) => !this.#seen.has(String(row['file_id'])));
    if (fresh.length === 0) return [];
    const ids = fresh.map((row) => literal(String(row['file_id']))).join(', ');
    const arrivals = await session.query(
      `SELECT file_id, ${epochMs('MIN(arrived_at)')} AS oldest, ${epochMs('MAX(arrived_at)')} AS newest FROM booking_event WHERE file_id IN (${ids}) GROUP BY file_id`,
    );
    const of = new Map(arrivals.rows.map((row) => [String(row['file_id']), row]));
    for (const row of fresh) this.#seen.add(String(row['file_id']));
    return fresh.flatMap((row) => {
      const times = of.get(String(row['file_id']));
      if (times === undefined) return [];
      const [oldestArrival, newestArrival] = [Number(times['oldest']), Number(times['newest'])];
      return { shardId: String(row['shard']), loadedAt: Number(row['loaded_at']), oldestArrival, newestArrival };
    });
  }
}

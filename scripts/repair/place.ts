import { randomUUID } from 'node:crypto';
import { createDeadLetters } from '../../services/lib/deadletter/dead-letters.ts';
import { decodeBookingEvent } from '../../services/lib/events/booking-event-codec.ts';
import { awaitStream } from '../../services/lib/kcl/stream.ts';
import type { ObjectStore } from '../../services/lib/objects/object-store.ts';
import { openObjectStore } from '../../services/lib/objects/open.ts';
import type { Database } from '../../services/lib/warehouse/database.ts';
import { DynamoLoadRegistry, type LoadRegistry } from '../../services/redshift-loader/registry/registry.ts';
import { redshiftLoader } from '../../services/redshift-loader/service.ts';
import { readStreamGap } from '../../services/redshift-loader/shard/stream-gap.ts';
import type { RepairTools } from '../../services/redshift-loader/stage/repair-file.ts';
import { UsageError } from '../cli/flags.ts';
import { openTable } from '../cli/table-target.ts';
import { openWarehouse, type PlaceIo } from '../migrate/place.ts';
import { openTarget } from '../replay/target.ts';
import { checkFlags, type RepairFlags } from './flags.ts';

export interface RepairPlace {
  readonly registry: LoadRegistry;
  readonly objects: ObjectStore;
  readonly warehouse: Database;
  readonly tools: RepairTools;
  readonly place: Readonly<Record<string, string>>;
  close(): void;
}

/** A person waits: a stream that is not there is told, not waited for. */
const streamMs = 5_000;

/** Everything that a repair touches, of one stage or all local; `note` is told which. Throws UsageError. */
export async function openPlace(flags: RepairFlags, io: PlaceIo): Promise<RepairPlace> {
  checkFlags(flags);
  const { stage, stream, application } = flags;
  const objectsUrl = flags.objects ?? io.env['OBJECTS_URL'];
  if (objectsUrl === undefined) throw new UsageError('which object store? --objects URL or OBJECTS_URL');
  const endpoint = flags.kinesis ?? (stage === undefined ? io.env['KINESIS_ENDPOINT'] : undefined);
  if (stage === undefined && endpoint === undefined)
    throw new UsageError('which stream? --stage STAGE, or --kinesis URL for a local Kinesis');
  const { database: warehouse } = await openWarehouse(flags, io);
  const table = flags.table ?? io.env['REGISTRY_TABLE'] ?? 'load-registry';
  const { dynamo, place } = await openTable(flags, table, io);
  const { kinesis } = openTarget(endpoint, io.env);
  const close = (): void => {
    dynamo.destroy();
    kinesis.destroy();
  };
  try {
    const objects = openObjectStore(objectsUrl, { AWS_REGION: place.region, LOCAL_MODE: stage === undefined });
    const streamId = await awaitStream(kinesis, stream, streamMs);
    const registry = new DynamoLoadRegistry(dynamo, table, application, streamId);
    const tools: RepairTools = {
      application,
      streamId,
      streamName: stream,
      registry,
      objects,
      deadLetters: createDeadLetters(objects, redshiftLoader.name),
      decode: decodeBookingEvent,
      readGap: (shardId, after, upTo) => readStreamGap({ kinesis, streamName: stream, shardId, after, upTo }),
      newId: randomUUID,
    };
    return { registry, objects, warehouse, tools, place: { ...place, table, stream: streamId, objects: objectsUrl }, close };
  } catch (error) {
    close();
    throw error;
  }
}

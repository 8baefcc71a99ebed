import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { Position } from '../../lib/kcl/position.ts';
import { PlatformError } from '../../lib/process/errors.ts';
import type { LoadFile, QuarantinedLine } from '../../lib/warehouse/load.ts';

/** A file of the registry: what was staged of (from, to] of one shard. */
export interface FileRow extends LoadFile {
  readonly shardId: string;
  /** Oldest arrival of its events on the stream, epoch ms; present when rows > 0. */
  readonly oldestArrival?: number;
  /** [occurredAt, arrivedAt] of some of its rows, for the freshness figures; epoch ms. */
  readonly sampledTimes?: readonly (readonly [number, number])[];
  /** Bytes of CSV before compression. */
  readonly csvBytes: number;
  /** Epoch ms. */
  readonly registeredAt: number;
}

/** Heads of a stream share a partition, so that one Query lists them all; a shard's files lie in order of position. */
export const headsKey = (application: string, streamId: string): string => `${application}#${streamId}`;
export const filesKey = (application: string, streamId: string, shardId: string): string => `${application}#${streamId}#${shardId}`;
export const committerKey = (application: string): string => `${application}#committer`;

export type Item = Record<string, AttributeValue>;

export function toItem(pk: string, file: FileRow): Item {
  return {
    pk: { S: pk },
    sk: { S: file.from },
    to: { S: file.to },
    fileId: { S: file.fileId },
    rows: { N: String(file.rows) },
    csvBytes: { N: String(file.csvBytes) },
    registeredAt: { N: String(file.registeredAt) },
    ...(file.object === undefined
      ? {}
      : { object: { S: file.object.key }, objectBytes: { N: String(file.object.size) }, sha256: { S: file.object.sha256 } }),
    ...(file.occurred === undefined ? {} : { occurredFrom: { N: String(file.occurred[0]) }, occurredTo: { N: String(file.occurred[1]) } }),
    ...(file.oldestArrival === undefined ? {} : { oldestArrival: { N: String(file.oldestArrival) } }),
    ...(file.sampledTimes === undefined ? {} : { sampledTimes: { S: JSON.stringify(file.sampledTimes) } }),
    ...(file.quarantined === undefined ? {} : { quarantined: { S: JSON.stringify(file.quarantined) } }),
  };
}

export function toFileRow(shardId: string, item: Item): FileRow {
  const object = item['object']?.S;
  const occurredFrom = item['occurredFrom'];
  const oldestArrival = item['oldestArrival'];
  const sampledTimes = item['sampledTimes']?.S;
  const quarantined = item['quarantined']?.S;
  return {
    shardId,
    from: textOf(item, 'sk') as Position,
    to: textOf(item, 'to') as Position,
    fileId: textOf(item, 'fileId'),
    rows: numberOf(item, 'rows'),
    csvBytes: numberOf(item, 'csvBytes'),
    registeredAt: numberOf(item, 'registeredAt'),
    ...(object === undefined ? {} : { object: { key: object, size: numberOf(item, 'objectBytes'), sha256: textOf(item, 'sha256') } }),
    ...(occurredFrom === undefined ? {} : { occurred: [numberOf(item, 'occurredFrom'), numberOf(item, 'occurredTo')] as const }),
    ...(oldestArrival === undefined ? {} : { oldestArrival: numberOf(item, 'oldestArrival') }),
    ...(sampledTimes === undefined ? {} : { sampledTimes: JSON.parse(sampledTimes) as [number, number][] }),
    ...(quarantined === undefined ? {} : { quarantined: JSON.parse(quarantined) as QuarantinedLine[] }),
  };
}

export function textOf(item: Item, name: string): string {
  const value = item[name]?.S;
  if (value === undefined) throw new PlatformError('PROTOCOL', `a registry row has no ${name}: ${JSON.stringify(item)}`);
  return value;
}

function numberOf(item: Item, name: string): number {
  const value = Number(item[name]?.N);
  if (!Number.isFinite(value)) throw new PlatformError('PROTOCOL', `a registry row has no number ${name}: ${JSON.stringify(item)}`);
  return value;
}

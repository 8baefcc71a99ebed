import { createHash } from 'node:crypto';
import type { BookingEvent, EventType } from '../../../services/lib/events/booking-event.ts';
import { eventIdOf } from '../../../services/lib/events/booking-event.ts';
import { type Position, trimHorizon } from '../../../services/lib/kcl/position.ts';
import type { ObjectInfo, ObjectStore } from '../../../services/lib/objects/object-store.ts';
import { PlatformError } from '../../../services/lib/process/errors.ts';
import type { LoadRegistry } from '../../../services/redshift-loader/registry/registry.ts';
import type { FileRow } from '../../../services/redshift-loader/registry/registry-rows.ts';

/** The registry's contract on a Map; registry.test.ts runs the same checks on this and on DynamoDB. */
export class MemoryRegistry implements LoadRegistry {
  readonly #heads = new Map<string, Position>();
  readonly #files = new Map<string, FileRow[]>();

  async head(shardId: string): Promise<Position> {
    return this.#heads.get(shardId) ?? trimHorizon;
  }

  async append(file: FileRow): Promise<'appended' | 'lost'> {
    const files = this.#files.get(file.shardId) ?? [];
    if ((this.#heads.get(file.shardId) ?? trimHorizon) !== file.from || files.some((f) => f.from === file.from)) return 'lost';
    this.#heads.set(file.shardId, file.to);
    this.#files.set(file.shardId, [...files, file]);
    return 'appended';
  }

  async heads(): Promise<ReadonlyMap<string, Position>> {
    return new Map(this.#heads);
  }

  async files(shardId: string, from: Position, limit: number): Promise<readonly FileRow[]> {
    return this.#sorted(shardId, (file) => file.from >= from, limit);
  }

  async filesBefore(shardId: string, before: Position, limit: number): Promise<readonly FileRow[]> {
    return this.#sorted(shardId, (file) => file.from < before, limit);
  }

  async replaceObject(file: FileRow, oldKey: string): Promise<'replaced' | 'lost'> {
    const files = this.#files.get(file.shardId) ?? [];
    const at = files.findIndex((f) => f.from === file.from && f.fileId === file.fileId && f.object?.key === oldKey);
    if (at < 0) return 'lost';
    this.#files.set(file.shardId, files.with(at, file));
    return 'replaced';
  }

  async remove(file: FileRow): Promise<void> {
    this.#files.set(
      file.shardId,
      (this.#files.get(file.shardId) ?? []).filter((f) => f.from !== file.from),
    );
  }

  #sorted(shardId: string, keep: (file: FileRow) => boolean, limit: number): FileRow[] {
    const files = (this.#files.get(shardId) ?? []).filter(keep);
    return files.sort((a, b) => (a.from < b.from ? -1 : 1)).slice(0, limit);
  }
}

export class MemoryStore implements ObjectStore {
  readonly objects = new Map<string, Buffer>();
  readonly #createdAt = new Map<string, number>();
  readonly #now: () => number;

  constructor(now: () => number = () => 0) {
    this.#now = now;
  }

  async create(key: string, body: Buffer): Promise<'created' | 'exists'> {
    if (this.objects.has(key)) return 'exists';
    this.objects.set(key, body);
    this.#createdAt.set(key, this.#now());
    return 'created';
  }

  async read(key: string): Promise<Buffer> {
    const body = this.objects.get(key);
    if (body === undefined) throw new PlatformError('OBJECT_MISSING', key);
    return body;
  }

  async head(key: string): Promise<(ObjectInfo & { readonly sha256: string }) | undefined> {
    const body = this.objects.get(key);
    if (body === undefined) return undefined;
    return { key, size: body.length, modifiedAtMs: 0, sha256: createHash('sha256').update(body).digest('hex') };
  }

  async *list(prefix: string): AsyncIterable<ObjectInfo> {
    for (const [key, body] of [...this.objects].sort(([a], [b]) => (a < b ? -1 : 1))) {
      if (key.startsWith(prefix)) yield { key, size: body.length, modifiedAtMs: this.#createdAt.get(key) ?? 0 };
    }
  }

  async delete(key: string): Promise<void> {
    this.objects.delete(key);
  }
}

const t0 = Date.UTC(2026, 10, 1);

export function bookingEventOf(bookingId: string, version: number, more: Partial<BookingEvent> = {}): BookingEvent {
  const type: EventType = more.type ?? (version === 1 ? 'reserved' : 'changed');
  return {
    schemaVersion: 1,
    eventId: eventIdOf(bookingId, version, type),
    type,
    bookingId,
    version,
    userId: `user-${bookingId}`,
    tourId: 'tour-1',
    occurredAt: t0 + version * 1_000,
    seats: 2,
    amountMinor: 12_900,
    currency: 'EUR',
    channel: 'web',
    source: 'dynamodb',
    ...more,
  };
}

import { PlatformError } from '../../process/errors.ts';
import type { RulesPointer } from './pointer.ts';
import { hashOf, type RepairableRulesStore, type RulesAudit } from './rules-store.ts';

/** For tests and simulations. */
export class MemoryRulesStore implements RepairableRulesStore {
  readonly objects = new Map<string, Buffer>();
  readonly audits: RulesAudit[] = [];
  pointer: RulesPointer | undefined;

  readPointer(): Promise<RulesPointer | undefined> {
    return Promise.resolve(this.pointer);
  }

  writePointer(pointer: RulesPointer, audit: RulesAudit): Promise<'written' | 'lost'> {
    if (pointer.version !== (this.pointer?.version ?? 0) + 1) return Promise.resolve('lost');
    this.pointer = pointer;
    this.audits.push(audit);
    return Promise.resolve('written');
  }

  readRules(hash: string): Promise<Buffer> {
    const bytes = this.objects.get(hash);
    if (bytes === undefined) return Promise.reject(new PlatformError('OBJECT_MISSING', `no rules ${hash}`));
    return hashOf(bytes) === hash ? Promise.resolve(bytes) : Promise.reject(new PlatformError('OBJECT_CORRUPT', `other bytes in ${hash}`));
  }

  putRules(bytes: Buffer): Promise<string> {
    const hash = hashOf(bytes);
    if (!this.objects.has(hash)) this.objects.set(hash, bytes);
    return Promise.resolve(hash);
  }

  deleteRules(hash: string): Promise<void> {
    this.objects.delete(hash);
    return Promise.resolve();
  }
}

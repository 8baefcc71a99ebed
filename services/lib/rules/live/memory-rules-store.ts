import { PlatformError } from '../../process/errors.ts';
import type { RulesPointer } from './pointer.ts';
import { hashOf, type RulesAudit, type RulesStore } from './rules-store.ts';

/** For tests and simulations. */
export class MemoryRulesStore implements RulesStore {
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
    return bytes === undefined ? Promise.reject(new PlatformError('OBJECT_MISSING', `no rules ${hash}`)) : Promise.resolve(bytes);
  }

  putRules(bytes: Buffer): Promise<string> {
    const hash = hashOf(bytes);
    this.objects.set(hash, bytes);
    return Promise.resolve(hash);
  }
}

import { PlatformError } from '../../../services/lib/process/errors.ts';
import type { Database, Session } from '../../../services/lib/warehouse/database.ts';
import { MemoryRegistry, MemoryStore } from '../../services/redshift-loader/memory.ts';
import type { Actor, Scheduler } from '../scheduler.ts';
import type { Durable } from './durable.ts';

export const tableAway = (): Error => new PlatformError('TABLE_UNAVAILABLE', 'no answer', { retriable: true });
const storeAway = (): Error => new PlatformError('OBJECT_UNAVAILABLE', 'no answer', { retriable: true });
const warehouseAway = (): Error => new PlatformError('WAREHOUSE_UNAVAILABLE', 'no answer', { retriable: true });

type Args<K extends keyof MemoryRegistry> = Parameters<MemoryRegistry[K]>;

/** Stores and warehouse as processes reach them: each call waits for its turn, and may end as real ones do. */
export class FaultyParts {
  readonly #scheduler: Scheduler;
  readonly #durable: Durable;
  readonly #database: Database;
  #inTransaction: Actor | undefined;

  constructor(scheduler: Scheduler, durable: Durable, database: Database) {
    this.#scheduler = scheduler;
    this.#durable = durable;
    this.#database = database;
    // One connection stands for the warehouse: who is in a transaction has it for himself.
    scheduler.runnable = (actor, label) => !label.startsWith('sql') || this.#inTransaction === undefined || this.#inTransaction === actor;
  }

  registryOf(actor: Actor): MemoryRegistry {
    const durable = this.#durable;
    const { registry } = durable;
    const call = <T>(label: string, effect: () => Promise<T>): Promise<T> => this.#scheduler.call(actor, label, effect, tableAway);
    return Object.assign(Object.create(MemoryRegistry.prototype) as MemoryRegistry, {
      head: (id: string) => call('head', () => registry.head(id)),
      append: (...[file]: Args<'append'>) =>
        call('append', async () => {
          const outcome = await registry.append(file);
          if (outcome === 'appended') {
            durable.rowsStaged += file.rows;
            durable.watchNamed(file);
          }
          return outcome;
        }),
      heads: () => call('heads', () => registry.heads()),
      files: (...args: Args<'files'>) => call('files', () => registry.files(...args)),
      filesBefore: (...args: Args<'filesBefore'>) => call('filesBefore', () => registry.filesBefore(...args)),
      replaceObject: (...[file, oldKey]: Args<'replaceObject'>) =>
        call('replace', async () => {
          const outcome = await registry.replaceObject(file, oldKey);
          if (outcome === 'replaced') durable.watchNamed(file);
          return outcome;
        }),
      remove: (...[file]: Args<'remove'>) =>
        call('remove', async () => {
          durable.watchRemove(file);
          await registry.remove(file);
        }),
    });
  }

  storeOf(actor: Actor): MemoryStore {
    const durable = this.#durable;
    const { store } = durable;
    const call = <T>(label: string, effect: () => Promise<T>): Promise<T> => this.#scheduler.call(actor, label, effect, storeAway);
    return Object.assign(Object.create(MemoryStore.prototype) as MemoryStore, {
      create: (key: string, body: Buffer) => call(key.startsWith('stage/') ? 'PUT' : 'create', () => store.create(key, body)),
      read: (key: string) => call('read', () => store.read(key)),
      head: (key: string) => call('HEAD', () => store.head(key)),
      list: (prefix: string) => store.list(prefix),
      delete: (key: string) =>
        call('delete', async () => {
          await durable.watchDelete(key);
          await store.delete(key);
        }),
    });
  }

  /** `sessions`: those that are open; they end with their process. */
  databaseOf(actor: Actor, sessions: Set<Session>): Database {
    const call = <T>(label: string, effect: () => Promise<T>): Promise<T> =>
      this.#scheduler.call(actor, `sql ${label}`, effect, warehouseAway);
    return {
      dialect: 'postgres',
      connect: async () => {
        const session = await this.#scheduler.call(actor, 'connect', () => this.#database.connect(), warehouseAway);
        sessions.add(session);
        return {
          dialect: 'postgres',
          query: (sql) =>
            call(sql.slice(0, 30), async () => {
              if (sql === 'BEGIN') this.#inTransaction = actor;
              const result = await session.query(sql);
              if (sql === 'COMMIT' || sql === 'ROLLBACK') this.release(actor);
              if (sql === 'COMMIT') await this.#durable.lookAtWarehouse();
              return result;
            }),
          copyIn: (sql, chunks) => call('COPY', () => session.copyIn(sql, chunks)),
          close: async () => {
            sessions.delete(session);
            await session.close();
            this.release(actor);
          },
        };
      },
    };
  }

  release(actor: Actor): void {
    if (this.#inTransaction === actor) this.#inTransaction = undefined;
  }
}

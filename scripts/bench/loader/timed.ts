import type { ObjectStore } from '../../../services/lib/objects/object-store.ts';
import type { Database, Session } from '../../../services/lib/warehouse/database.ts';
import type { LoadRegistry } from '../../../services/redshift-loader/registry/registry.ts';
import { type Stopwatch, stepOf } from './steps.ts';

/** The same, with the time of each call in the stopwatch. */
export function timedRegistry(registry: LoadRegistry, watch: Stopwatch): LoadRegistry {
  const time = <T>(work: () => Promise<T>): Promise<T> => watch.time('registry', work);
  return {
    head: (shardId) => time(() => registry.head(shardId)),
    append: (file) => time(() => registry.append(file)),
    heads: () => time(() => registry.heads()),
    files: (...args) => time(() => registry.files(...args)),
    filesBefore: (...args) => time(() => registry.filesBefore(...args)),
    replaceObject: (...args) => time(() => registry.replaceObject(...args)),
    remove: (file) => time(() => registry.remove(file)),
  };
}

/** What is read belongs to the COPY that reads it. */
export function timedStore(store: ObjectStore, watch: Stopwatch): ObjectStore {
  return {
    create: (...args) => watch.time('put', () => store.create(...args)),
    head: (key) => watch.time('copy', () => store.head(key)),
    read: (key) => watch.time('copy', () => store.read(key)),
    list: (prefix) => store.list(prefix),
    delete: (key) => store.delete(key),
  };
}

export function timedDatabase(database: Database, watch: Stopwatch): Database {
  const timed = (session: Session): Session => ({
    dialect: session.dialect,
    query: (sql) => watch.time(stepOf(sql), () => session.query(sql)),
    copyIn: (sql, chunks) => watch.time('copy', () => session.copyIn(sql, chunks)),
    close: () => session.close(),
  });
  return {
    dialect: database.dialect,
    connect: () => watch.time('rest of the transaction', () => database.connect()).then(timed),
  };
}

import type { Database, Session } from '../../lib/warehouse/database.ts';

/** Sessions that whoever stops can close, whatever runs in them. */
export class OpenSessions {
  readonly #database: Database;
  readonly #open = new Set<Session>();

  constructor(database: Database) {
    this.#database = database;
  }

  async connect(): Promise<Session> {
    const session = await this.#database.connect();
    const tracked: Session = {
      dialect: session.dialect,
      query: (sql) => session.query(sql),
      copyIn: (sql, chunks) => session.copyIn(sql, chunks),
      close: () => {
        this.#open.delete(tracked);
        return session.close();
      },
    };
    this.#open.add(tracked);
    return tracked;
  }

  async closeAll(): Promise<void> {
    for (const session of this.#open) await session.close();
  }
}

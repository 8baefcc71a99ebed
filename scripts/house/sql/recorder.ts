import { fileURLToPath } from 'node:url';
import type { Database, Result, Session } from '../../../services/lib/warehouse/database.ts';
import type { Dialect } from '../../../services/lib/warehouse/ddl.ts';

/** A statement that the product sent, and the calls that led to it. */
export interface Sent {
  readonly dialect: Dialect;
  readonly sql: string;
  /** The calls under way, the innermost first: `file:line:column`, the file as a path from the root of the project. None for a text that was given. */
  readonly calls: readonly string[];
}

/** What the warehouse says; undefined: no rows, one affected. */
export type Answer = (sql: string) => Partial<Result> | undefined;

/** Keeps what is sent to it and answers as it was told to; there is no warehouse behind it. */
export class Recorder implements Database {
  readonly dialect: Dialect;
  readonly sent: Sent[] = [];
  readonly #root: string;

  constructor(dialect: Dialect, root: string) {
    this.dialect = dialect;
    this.#root = root;
  }

  connect(): Promise<Session> {
    return Promise.resolve(this.session());
  }

  session(answer: Answer = () => undefined): Session {
    return {
      dialect: this.dialect,
      query: async (sql) => {
        this.#keep(sql);
        return { rows: [], affected: 1, command: sql.trim().split(/\s/, 1)[0] ?? '', ...answer(sql) };
      },
      copyIn: async (sql, chunks) => {
        this.#keep(sql);
        for await (const _ of chunks); // a copier may fail on its chunks only
      },
      close: async () => undefined,
    };
  }

  /** A database whose sessions all answer so. */
  answering(answer: Answer): Database {
    return { dialect: this.dialect, connect: async () => this.session(answer) };
  }

  /** Texts that a session sends where none can be opened here. */
  keep(...texts: readonly string[]): void {
    for (const sql of texts) this.sent.push({ dialect: this.dialect, sql, calls: [] });
  }

  #keep(sql: string): void {
    this.sent.push({ dialect: this.dialect, sql, calls: callsOf(new Error('who sent this').stack ?? '', this.#root) });
  }
}

function callsOf(stack: string, root: string): string[] {
  const found: string[] = [];
  for (const [, url = '', place = ''] of stack.matchAll(/(file:\/\/[^\s)]+?|\/[^\s()]+?):(\d+:\d+)/g)) {
    const file = url.startsWith('file:') ? fileURLToPath(url.split('?', 1)[0] ?? '') : url;
    if (file !== fileURLToPath(import.meta.url) && file.startsWith(`${root}/`)) found.push(`${file.slice(root.length + 1)}:${place}`);
  }
  return found;
}

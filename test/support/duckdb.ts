import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';

/** Runs one statement in a DuckDB of its own. Values as JavaScript has them: BIGINT as bigint, times as Date. */
export async function duckdb(sql: string): Promise<Record<string, unknown>[]> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    return (await connection.runAndReadAll(sql)).getRowObjectsJS();
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** What DuckDB reads of Parquet files, given by their path below one folder. `sql` has `FOLDER` where that folder's path goes. */
export async function readParquet(files: Iterable<readonly [path: string, body: Buffer]>, sql: string): Promise<Record<string, unknown>[]> {
  const folder = mkdtempSync(join(tmpdir(), 'lake-'));
  try {
    for (const [path, body] of files) {
      mkdirSync(join(folder, dirname(path)), { recursive: true });
      writeFileSync(join(folder, path), body);
    }
    return await duckdb(sql.replaceAll('FOLDER', folder));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

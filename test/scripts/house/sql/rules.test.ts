import assert from 'node:assert/strict';
import { PGlite } from '@electric-sql/pglite';
import { allRules, lint } from '../../../../scripts/house/sql/lint.ts';

/** What the rules' own examples speak of. */
const tables = `
  CREATE TABLE t (a INTEGER UNIQUE, b INTEGER, name VARCHAR(20), j JSONB, list INTEGER[], occurred_at TIMESTAMP, zoned_at TIMESTAMPTZ);
  CREATE TABLE u (a INTEGER, b INTEGER);
  CREATE SEQUENCE s;`;

describe('rules on SQL for Redshift', () => {
  let db: PGlite;
  before(async function () {
    this.timeout(60_000); // PGlite starts in 1 to 4 CPU seconds
    db = await PGlite.create();
    await db.exec(tables);
  });
  after(() => db.close());

  it('have ids of their own, a remedy and a source', () => {
    assert.equal(new Set(allRules.map(({ id }) => id)).size, allRules.length);
    for (const { id, instead, source } of allRules) assert(instead !== '' && source.includes('https://'), id);
  });

  for (const rule of allRules) {
    it(`${rule.id}: refuses what Postgres takes and no other rule sees`, async () => {
      await db.exec('BEGIN');
      try {
        await db.exec(rule.refuses);
      } finally {
        await db.exec('ROLLBACK');
      }
      assert.deepEqual(
        lint(rule.refuses).map(({ id }) => id),
        [rule.id],
      );
      assert.deepEqual(
        lint(
          rule.refuses,
          allRules.filter((other) => other !== rule),
        ),
        [],
      );
    });
  }
});

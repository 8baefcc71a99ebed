import assert from 'node:assert/strict';
import { judgedFigures, judgedText } from '../../../../scripts/drill/loader/judged.ts';
import { idealRun } from '../../judge/ideal-run.ts';

describe('what was judged', () => {
  it('is told with the sums on both sides, so that nobody takes nothing for all', () => {
    const run = idealRun();
    const judged = judgedFigures(run);
    assert.ok(judged.rows > 100);
    assert.equal(judged.distinctEvents, judged.rows);
    assert.equal(judged.inserted, judged.rows);
    assert.equal(judged.copied, judged.validRecords);
    const [row] = run.warehouseRows;
    if (row !== undefined) run.warehouseRows.push(row);
    const doubled = judgedFigures(run);
    assert.equal(doubled.rows, doubled.distinctEvents + 1);
    assert.match(judgedText(doubled), new RegExp(`${doubled.rows} rows, ${judged.rows} distinct events, ${judged.rows} inserted`));
  });
});

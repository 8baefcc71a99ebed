import assert from 'node:assert/strict';
import { Sightings } from '../../../../scripts/drill/fraud/state-watch.ts';
import type { StateRow } from '../../../../services/lib/state/state-row.ts';

const row = (epoch: number, change: Partial<StateRow> = {}): StateRow => ({
  epoch,
  worker: 'w',
  current: undefined,
  previous: undefined,
  final: false,
  attempt: undefined,
  skips: [],
  retired: false,
  ...change,
});

describe('sightings of state rows', () => {
  it('are one for each change of a row, in order', () => {
    const sightings = new Sightings();
    sightings.see(new Map([['a', row(1)]]), 10);
    sightings.see(
      new Map([
        ['a', row(1)],
        ['b', row(4)],
      ]),
      20,
    );
    sightings.see(
      new Map([
        ['a', row(2, { final: true })],
        ['b', row(4)],
      ]),
      30,
    );
    assert.deepEqual(
      sightings.all.map(({ at, shardId, epoch, final }) => [at, shardId, epoch, final]),
      [
        [10, 'a', 1, false],
        [20, 'b', 4, false],
        [30, 'a', 2, true],
      ],
    );
  });

  it('do not tell of attempts, which change with every start', () => {
    const sightings = new Sightings();
    sightings.see(new Map([['a', row(1)]]), 10);
    sightings.see(new Map([['a', row(1, { attempt: { starts: 1 } as NonNullable<StateRow['attempt']> })]]), 20);
    assert.equal(sightings.all.length, 1);
  });
});

import assert from 'node:assert/strict';
import { type Position, position } from '../../../../services/lib/kcl/position.ts';
import { type Attempt, deathsBeforeSkip, isCareful, isSuspect, startAttempt, trying } from '../../../../services/lib/state/attempts.ts';

const at = (i: number): Position => position(String(i));
const checkpoint = at(10);
const first: Attempt = { checkpoint, starts: 1, deaths: 0 };
const span = (from: number, to = from) => ({ from: at(from), to: at(to) });

/** A process that dies while it tries these. */
const dies = (before: Attempt, from: number, to = from) => startAttempt(trying(before, span(from, to)), checkpoint);

describe('attempts at records that may kill', () => {
  it('begin anew at a checkpoint that no start knew', () => {
    assert.deepEqual(startAttempt(undefined, checkpoint), { attempt: first, poison: undefined });
    const suspected: Attempt = { ...first, starts: 5, trying: span(12), suspect: span(12), deaths: 2 };
    assert.deepEqual(startAttempt(suspected, at(11)), { attempt: { checkpoint: at(11), starts: 1, deaths: 0 }, poison: undefined });
  });

  it('are careful from the second start on, though nothing is suspected yet', () => {
    assert.equal(isCareful(first), false);
    const { attempt, poison } = startAttempt(first, checkpoint);
    assert.deepEqual([isCareful(attempt), attempt.suspect, attempt.deaths, poison], [true, undefined, 0, undefined]);
  });

  it('suspect all among which a process died, both ends included, and nothing beside them', () => {
    const { attempt } = dies(first, 12, 15);
    assert.deepEqual(
      [11, 12, 14, 15, 16].map((i) => isSuspect(attempt, at(i))),
      [false, true, true, true, false],
    );
    assert.equal(attempt.trying, undefined, 'nothing is being tried yet');
  });

  it('give a record up at its third death, not before, and the group it was among counts', () => {
    const group = dies(first, 12, 15);
    assert.deepEqual([group.attempt.deaths, group.poison], [1, undefined]);
    const alone = dies(group.attempt, 13);
    assert.deepEqual([alone.attempt.deaths, alone.poison, alone.attempt.suspect], [2, undefined, span(13)]);
    const again = dies(alone.attempt, 13);
    assert.equal(again.poison, at(13));
    assert.deepEqual([again.attempt.deaths, again.attempt.suspect, again.attempt.trying], [0, undefined, undefined]);
    assert.equal(deathsBeforeSkip, 3);
  });

  it('never give up a whole group, however often one dies among it', () => {
    let { attempt } = dies(first, 12, 15);
    for (let death = 2; death < 6; death++) {
      const next = dies(attempt, 12, 15);
      assert.deepEqual([next.poison, next.attempt.deaths], [undefined, death]);
      attempt = next.attempt;
    }
  });

  it('count from one again when the death was elsewhere', () => {
    const there = dies(dies(first, 13).attempt, 13).attempt;
    assert.equal(there.deaths, 2);
    const elsewhere = dies(there, 14);
    assert.deepEqual([elsewhere.attempt.deaths, elsewhere.attempt.suspect, elsewhere.poison], [1, span(14), undefined]);
  });

  it('keep their suspicion when a death tells nothing of records', () => {
    const suspected = dies(first, 12, 15).attempt;
    const { attempt, poison } = startAttempt(trying(suspected, undefined), checkpoint);
    assert.deepEqual([attempt.suspect, attempt.deaths, attempt.starts, poison], [span(12, 15), 1, suspected.starts + 1, undefined]);
  });

  it('note what is tried in place of what was', () => {
    const noted = trying(trying(dies(first, 12, 15).attempt, span(12)), span(13));
    assert.deepEqual([noted.trying, noted.suspect], [span(13), span(12, 15)]);
    assert.equal('trying' in trying(noted, undefined), false);
  });
});

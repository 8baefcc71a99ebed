import assert from 'node:assert/strict';
import { lineOf } from '../../../scripts/sim/planted.ts';
import { Report } from '../../../scripts/sim/report.ts';
import type { Outcome, Simulation } from '../../simulation/simulation.ts';

const figures = { calls: 10, crashes: 1 };
const sound: Outcome = { figures, violations: [], trace: ['read row'] };
const broken: Outcome = { figures, violations: [{ rule: 'fence', what: 'a write of epoch 3' }], trace: ['read row', 'write row'] };

/** Breaks a rule at seed 3 and at one call. */
const simulation = (closed: string[]): Simulation => ({
  run: async (seed) => (seed === 3 ? broken : sound),
  async *eachCall() {
    yield { script: 'call 1 diesBefore', outcome: sound };
    yield { script: 'call 2 diesAfter', outcome: broken };
  },
  close: async () => void closed.push('closed'),
});

const never = new AbortController().signal;

describe('the report of a simulation', () => {
  it('sums the runs and tells each that broke a rule with its last calls and how to run it again', async () => {
    const notes: string[] = [];
    const closed: string[] = [];
    const report = new Report((line) => notes.push(line), undefined);
    await report.runAll('state', simulation(closed), { seeds: 4, everyCall: true, signal: never });
    assert.deepEqual(report.result, {
      type: 'result',
      ok: false,
      simulations: { state: { runs: 6, violations: 2, figures: { calls: 60, crashes: 6 } } },
    });
    assert.equal(report.text, 'state: 6 runs, 2 violations; 60 calls, 6 crashes');
    assert.deepEqual(notes, [
      'state: seed 3, again with SEED=3 npm run sim -- --only state',
      '    read row',
      '    write row',
      '  fence: a write of epoch 3',
      'state: call 2 diesAfter of the plain run',
      '    read row',
      '    write row',
      '  fence: a write of epoch 3',
    ]);
    assert.deepEqual(closed, ['closed']);
  });

  it('tells one seed call by call, and runs no other', async () => {
    const notes: string[] = [];
    const report = new Report((line) => notes.push(line), 3);
    await report.runAll('state', simulation([]), { seeds: 4, everyCall: true, signal: never });
    assert.deepEqual(notes, ['read row', 'write row', 'state: seed 3', '  fence: a write of epoch 3']);
    assert.equal(report.result.simulations.state?.runs, 1);
  });

  it('stops when it is interrupted, and closes what it opened', async () => {
    const interrupt = new AbortController();
    const closed: string[] = [];
    const report = new Report(() => interrupt.abort(), undefined);
    await report.runAll('loader', simulation(closed), { seeds: 9, everyCall: true, signal: interrupt.signal });
    assert.equal(report.result.simulations.loader?.runs, 3);
    assert.deepEqual(closed, ['closed']);
  });

  it('says how far it is every two seconds', async () => {
    let now = 0;
    const notes: string[] = [];
    const report = new Report(
      (line) => notes.push(line),
      undefined,
      () => (now += 1_000),
    );
    await report.runAll('state', simulation([]), { seeds: 2, everyCall: false, signal: never });
    assert.deepEqual(notes, ['state: 2 of 2 seeds, 0 violations']);
  });
});

describe('a planted bug', () => {
  it('is told with the first seed of each rule, or why it does no harm, or that nobody saw it', () => {
    const bug = { name: 'no fence', runs: 9, firstSeeds: {}, found: false, harmless: undefined };
    assert.equal(
      lineOf({ ...bug, found: true, firstSeeds: { fence: 3, effects: 9 } }, 3),
      'found     no fence: fence (seed 3), effects (seed 9)',
    );
    assert.equal(
      lineOf({ ...bug, harmless: 'another write is refused' }, 3),
      'harmless  no fence\n          does no harm: another write is refused',
    );
    assert.equal(lineOf(bug, 3), 'MISSED    no fence: not found within 3 seeds, more --seeds may find it');
  });
});

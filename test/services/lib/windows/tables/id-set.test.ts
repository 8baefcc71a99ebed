import assert from 'node:assert/strict';
import fc from 'fast-check';
import { EventId, textOfId } from '../../../../../services/lib/windows/tables/event-id.ts';
import type { VisitId } from '../../../../../services/lib/windows/tables/id-ring.ts';
import { IdSet } from '../../../../../services/lib/windows/tables/id-set.ts';

const id = new EventId();
const idText = (n: number): string => (n * 0x9e3779b1).toString(16).padStart(32, '0');

function parsed(text: string): EventId {
  assert.ok(id.parse(text), text);
  return id;
}

/** As its user does: only what is not known is added. */
function use(set: IdSet, text: string, time: number, horizon: number): boolean {
  if (set.has(parsed(text), horizon)) return false;
  set.add(parsed(text), time, horizon);
  return true;
}

/** How a set of ids with times behaves, in the plainest way. */
class Model {
  readonly times = new Map<string, number>();
  use(text: string, time: number, horizon: number): boolean {
    if ((this.times.get(text) ?? Number.NEGATIVE_INFINITY) >= horizon) return false;
    this.times.set(text, time);
    return true;
  }
  known(horizon: number): string[] {
    return [...this.times]
      .filter(([, time]) => time >= horizon)
      .map(([text, time]) => `${text}@${time}`)
      .sort();
  }
}

const collected = (add: (visit: VisitId) => void): string[] => {
  const found = new Set<string>();
  add(({ a, b, c, d }, time) => found.add(`${textOfId(a, b, c, d)}@${time}`));
  return [...found].sort();
};

describe('an event id', () => {
  it('is 32 lower-case hex digits and nothing else', () => {
    for (const text of [
      '',
      'a'.repeat(31),
      'a'.repeat(33),
      'A'.repeat(32),
      `${'a'.repeat(31)}g`,
      `${'a'.repeat(31)}š`,
      `é${'a'.repeat(31)}`,
    ]) {
      assert.equal(id.parse(text), false, text);
    }
    assert.ok(id.parse('0123456789abcdef0123456789abcdef'), 'a good one after bad ones');
  });

  it('has a hash of its own, even among ids that were chosen to be alike', () => {
    for (let shift = 0; shift < 32; shift += 3) {
      const hashes = new Set<number>();
      for (let n = 0; n < 4_096; n++) {
        const [a, b, c, d] = [n & 7, (n >> 3) & 7, (n >> 6) & 7, n >> 9].map((word) => (word << shift) | (word >>> (32 - shift)));
        hashes.add(id.set(a as number, b as number, c as number, d as number).hash());
      }
      // A chance in millions that two are alike may make half of them alike.
      assert.ok(hashes.size > 1_000, `${hashes.size} of 4,096, shifted by ${shift}`);
    }
  });

  it('comes back as it was', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9a-f]{32}$/), (text) => {
        const { a, b, c, d } = parsed(text);
        assert.equal(textOfId(a, b, c, d), text);
      }),
    );
  });
});

describe('an id set', () => {
  const steps = fc.array(fc.record({ id: fc.nat({ max: 40 }), ahead: fc.nat({ max: 8 }), advance: fc.nat({ max: 3 }) }), {
    maxLength: 300,
  });

  it('knows exactly the ids that a map with times knows, however often it is swept', () => {
    fc.assert(
      fc.property(steps, fc.constantFrom(0, 3), (all, bits) => {
        const [set, model] = [new IdSet(bits), new Model()];
        let horizon = 0;
        for (const { id: n, ahead, advance } of all) {
          horizon += advance;
          assert.equal(use(set, idText(n), horizon + ahead, horizon), model.use(idText(n), horizon + ahead, horizon));
        }
        assert.deepEqual(
          collected((visit) => {
            set.beginWalk(horizon);
            for (const _ of set.walk(visit));
            set.endWalk();
          }),
          model.known(horizon),
        );
      }),
    );
  });

  it('walks over what it held when the walk began, whatever comes meanwhile', () => {
    fc.assert(
      fc.property(steps, steps, fc.constantFrom(0, 2), fc.nat({ max: 20 }), (before, during, bits, pace) => {
        const [set, model] = [new IdSet(bits), new Model()];
        let horizon = 0;
        const play = ({ id: n, ahead, advance }: (typeof before)[number]): void => {
          horizon += advance;
          use(set, idText(n), horizon + ahead, horizon);
          model.use(idText(n), horizon + ahead, horizon);
        };
        // So many that a partition takes several steps of a walk.
        for (let n = 1_000; n < 2_000; n++) play({ id: n, ahead: 8, advance: 0 });
        before.forEach(play);
        const expected = model.known(horizon);
        set.beginWalk(horizon);
        set.beginWalk(horizon);
        const found = collected((visit) => {
          let next = 0;
          for (const _ of set.walk(visit))
            for (let i = 0; i < pace; i++) play(during[next++] ?? { id: 5_000 + next, ahead: 3, advance: 0 });
        });
        assert.deepEqual(found, expected);
        const after = model.known(horizon);
        set.beginWalk(horizon);
        assert.deepEqual(
          collected((visit) => [...set.walk(visit)]),
          after,
          'a second walk sees what came during the first',
        );
      }),
      { numRuns: 30 },
    );
  });

  it('ends a walk when another begins', () => {
    const set = new IdSet(0);
    for (let n = 0; n < 1_000; n++) use(set, idText(n), 1, 0);
    set.beginWalk(0);
    let seen = 0;
    const first = set.walk(() => seen++);
    first.next();
    set.beginWalk(0);
    const before = seen;
    assert.equal(first.next().done, true);
    assert.equal(seen, before);
    assert.equal(collected((visit) => [...set.walk(visit)]).length, 1_000);
  });

  it('keeps what a walk has yet to visit of the last ring, when it has done with the others', () => {
    const set = new IdSet(1);
    for (let n = 0; n < 4_000; n++) use(set, idText(n), 1, 0);
    set.beginWalk(0);
    let steps = 0;
    const found = collected((visit) => {
      for (const _ of set.walk(visit)) {
        if (++steps !== 10) continue; // each ring takes eight or so
        for (let n = 4_000; n < 8_000; n++) use(set, idText(n), 3, 2);
      }
    });
    assert.ok(steps > 12);
    assert.equal(found.filter((text) => text.endsWith('@1')).length, 4_000);
    assert.equal(found.length, 4_000);
  });

  it('forgets again once a walk is given up', () => {
    const set = new IdSet(0);
    let now = 0;
    const run = (until: number): void => {
      for (; now < until; now++) use(set, idText(now), now, now - 100);
    };
    run(2_000);
    set.beginWalk(now - 100);
    set.walk(() => {}).next();
    set.endWalk();
    run(4_000);
    for (const until of [4_001, 4_002, 4_003]) {
      run(until);
      assert.equal(set.size, 101);
    }
  });

  it('takes 32 to 40 bytes an id, and gives back what is beyond the horizon', () => {
    const set = new IdSet();
    for (let n = 0; n < 50_000; n++) use(set, idText(n), n, 0);
    const bytesPerId = set.bytes / set.size;
    assert.ok(bytesPerId >= 32 && bytesPerId < 32 * 1.26, `${bytesPerId}`);
    for (let n = 50_000; n < 300_000; n++) use(set, idText(n), n, n - 5_000);
    assert.ok(set.size < 10_000 && set.bytes < 32 * 20_000, `${set.size} ${set.bytes}`);
  });

  it('forgets in the memory it has, and nothing else, while as many ids come as go', () => {
    const set = new IdSet(0);
    const live = 200;
    const sizes = new Set<number>();
    for (let now = 0; now < 4_000; now++) {
      const horizon = now - live;
      assert.equal(use(set, idText(now), now, horizon), true, `a new one, ${now}`);
      if (now < 2 * live) continue;
      sizes.add(set.bytes);
      if (now % 7 !== 0) continue;
      for (let time = horizon; time <= now; time++) assert.equal(set.has(parsed(idText(time)), horizon), true, `${time} of ${now}`);
      assert.equal(set.has(parsed(idText(horizon - 1)), horizon), false);
    }
    assert.equal(sizes.size, 1, [...sizes].join());
  });
});

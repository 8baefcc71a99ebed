import assert from 'node:assert/strict';
import { contests } from '../../../scripts/bench/engine/jobs.ts';
import { Traffic } from '../../../scripts/bench/engine/traffic.ts';

describe('the engine bench', () => {
  it('makes the same events of a seed again, some of them twice, and documents of 1 KB', () => {
    const chunk = new Traffic(3).chunk(2_000);
    assert.deepEqual(new Traffic(3).chunk(2_000), chunk);
    assert.notDeepEqual(new Traffic(4).chunk(2_000), chunk);
    assert.equal(new Set(chunk.map(({ eventId }) => eventId)).size, 1_996);
    assert.ok(new Traffic(3).documents(20).every(({ length }) => length === 1_024));
  });

  it('holds each engine against its plain model', () => {
    const traffic = new Traffic(5);
    const events = [...traffic.chunk(20_000), ...traffic.chunk(20_000)].map((event, i) => ({
      ...event,
      userId: `user-${i % 300}`,
      occurredAt: event.occurredAt + i * 20,
    }));
    for (const { label, ...sides } of contests) {
      const [engine, plain] = [sides.engine(), sides.plain()];
      for (const event of events) {
        engine.apply(event);
        plain.apply(event);
      }
      const told = engine.take();
      assert.ok(told.length > 5, label);
      assert.deepEqual(told, plain.take(), label);
      assert.deepEqual(engine.take(), []);
    }
  });
});

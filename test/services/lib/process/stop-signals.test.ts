import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { onStopSignals } from '../../../../services/lib/process/stop-signals.ts';

describe('stop signals', () => {
  function setUp() {
    const source = new EventEmitter();
    const calls: string[] = [];
    let now = 0;
    const release = onStopSignals(
      { graceful: (signal) => void calls.push(`graceful ${signal}`), force: (signal) => void calls.push(`force ${signal}`) },
      source,
      () => now,
    );
    return {
      source,
      calls,
      release,
      at: (ms: number, signal: string) => {
        now = ms;
        source.emit(signal, signal);
      },
    };
  }

  it('ask for an orderly stop first', () => {
    const { calls, at } = setUp();
    at(0, 'SIGTERM');
    assert.deepEqual(calls, ['graceful SIGTERM']);
  });

  it('within a second of the first are the same signal, delivered twice', () => {
    const { calls, at } = setUp();
    at(0, 'SIGINT');
    at(3, 'SIGTERM');
    at(1_000, 'SIGINT');
    assert.deepEqual(calls, ['graceful SIGINT']);
  });

  it('force the stop when they come later', () => {
    const { calls, at } = setUp();
    at(0, 'SIGINT');
    at(1_001, 'SIGINT');
    assert.deepEqual(calls, ['graceful SIGINT', 'force SIGINT']);
  });

  it('are given back', () => {
    const { source, release } = setUp();
    const listeners = () => ['SIGTERM', 'SIGINT', 'SIGHUP'].map((signal) => source.listenerCount(signal));
    assert.deepEqual(listeners(), [1, 1, 1]);
    release();
    assert.deepEqual(listeners(), [0, 0, 0]);
  });
});

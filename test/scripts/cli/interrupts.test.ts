import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { type OnInterrupt, watchInterrupts } from '../../../scripts/cli/interrupts.ts';

/** A process whose signals, clock and end are the test's; `told` says what happened. */
function watched(on: OnInterrupt = {}) {
  const told: string[] = [];
  let now = 5_000;
  const source = new EventEmitter();
  const { signal, exitCode } = watchInterrupts(
    { first: () => void told.push('first'), second: () => void told.push('second'), ...on },
    source,
    () => now,
    (code) => void told.push(`exit ${code}`),
  );
  signal.addEventListener('abort', () => told.push('abort'));
  const send = (name: 'SIGINT' | 'SIGTERM' | 'SIGHUP', afterMs = 0): void => {
    now += afterMs;
    source.emit(name, name);
  };
  return { send, told, exitCode };
}

describe('signals to a command', () => {
  it('ask for an orderly stop, which ends with the code of the signal that came first', () => {
    for (const [name, code] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
      ['SIGHUP', 129],
    ] as const) {
      const { send, told, exitCode } = watched();
      assert.equal(exitCode(), undefined);
      send(name);
      assert.deepEqual([told, exitCode()], [['first', 'abort'], code]);
    }
  });

  it('of one key press count once, whoever hands them on', () => {
    const { send, told, exitCode } = watched();
    send('SIGINT');
    send('SIGINT');
    send('SIGINT', 1_000);
    assert.deepEqual([told, exitCode()], [['first', 'abort'], 130]);
  });

  it('end the command at once when they come again a second later, with the code of the first', () => {
    const { send, told } = watched();
    send('SIGINT');
    send('SIGTERM', 1_001);
    assert.deepEqual(told, ['first', 'abort', 'second', 'exit 130']);
  });

  it('have another exit code where a command is ended by them as a rule', () => {
    const { send, exitCode } = watched({ exitCodes: { SIGTERM: 0 } });
    send('SIGTERM');
    assert.equal(exitCode(), 0);
  });

  it('are taken in one place', () => {
    const scripts = new URL('../../../scripts/', import.meta.url);
    const commands = readdirSync(scripts).filter((name) => name.endsWith('.ts'));
    assert.ok(commands.includes('backtest.ts'));
    assert.deepEqual(
      commands.filter((name) => /'SIG(INT|TERM|HUP)'/.test(readFileSync(new URL(name, scripts), 'utf8'))),
      [],
    );
  });
});

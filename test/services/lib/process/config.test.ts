import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { flag, integerOr, isLoopbackUrl, loadConfig, text } from '../../../../services/lib/process/config.ts';
import { isPlatformError } from '../../../../services/lib/process/errors.ts';

describe('configuration', () => {
  const shape = { NAME: text.describe('who it is'), ROWS: integerOr(5, 1, 10), DB_PASSWORD: integerOr(1, 1, 2), ON: flag };

  it('is parsed once, with defaults, and frozen', () => {
    const config = loadConfig(shape, { NAME: 'a', ON: 'true' });
    assert.deepEqual(config, { NAME: 'a', ROWS: 5, DB_PASSWORD: 1, ON: true });
    assert.ok(Object.isFrozen(config));
  });

  it('an empty variable is one that is not set', () => {
    assert.equal(loadConfig(shape, { NAME: 'a', ROWS: '' }).ROWS, 5);
  });

  it('fails with every problem at once: key, value and what was expected, secrets hidden', () => {
    assert.throws(
      () => loadConfig(shape, { ROWS: '11', DB_PASSWORD: 'hunter2', ON: 'yes' }),
      (error) => {
        assert.ok(isPlatformError(error, 'CONFIG_INVALID'));
        assert.match(error.message, /4 problem\(s\)/);
        assert.match(error.message, /NAME is not set: expected a text \(who it is\)/);
        assert.match(error.message, /ROWS is "11": expected a whole number from 1 to 10/);
        assert.match(error.message, /DB_PASSWORD is \(hidden\): expected a whole number from 1 to 2/);
        assert.match(error.message, /ON is "yes": expected true or false/);
        assert.doesNotMatch(error.message, /hunter2/);
        return true;
      },
    );
  });

  it('knows a loopback address from any other', () => {
    for (const url of ['http://127.0.0.1:1', 'http://localhost:1/x', 'http://[::1]:1']) assert.ok(isLoopbackUrl(url), url);
    for (const url of [
      'http://127.0.0.1.example.com',
      'http://10.0.0.1',
      'http://localhost.example.com',
      'nonsense',
      'postgres://127.0.0.1:5432/d?host=example.com',
    ])
      assert.ok(!isLoopbackUrl(url), url);
  });
});

import assert from 'node:assert/strict';
import { requirePart } from '../support/optional.ts';

/** Stands for mocha's context: a test that is skipped throws there too. */
const context = {
  currentTest: { fullTitle: () => '(an example in the test of skipping itself)' },
  skip: () => assert.fail('skipped'),
} as unknown as Mocha.Context;

describe('a part of the machine that a test needs', () => {
  const { PATH, REQUIRE_ALL } = process.env;
  const restore = (name: string, value: string | undefined): void => {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  };
  beforeEach(() => {
    process.env['PATH'] = '/nowhere';
    delete process.env['REQUIRE_ALL'];
  });
  afterEach(() => {
    restore('PATH', PATH);
    restore('REQUIRE_ALL', REQUIRE_ALL);
  });

  it('is no matter when it is there', () => {
    restore('PATH', PATH);
    if (process.platform === 'linux') requirePart(context, 'linux');
  });

  it('skips the test when it is missing', () => {
    assert.throws(() => requirePart(context, 'strace'), /skipped/);
  });

  it('fails the test under REQUIRE_ALL=1, with the way to get it', () => {
    process.env['REQUIRE_ALL'] = '1';
    assert.throws(() => requirePart(context, 'strace'), /strace is missing .*sudo apt-get install -y strace/);
  });

  it('still skips the test under REQUIRE_ALL=1 when the part is listed as optional, with a reason', () => {
    process.env['REQUIRE_ALL'] = '1';
    assert.throws(() => requirePart(context, 'strace', { strace: 'an example' }), /skipped/);
    assert.throws(() => requirePart(context, 'strace', { chromium: 'an example' }), /strace is missing/);
  });
});

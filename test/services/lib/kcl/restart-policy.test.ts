import assert from 'node:assert/strict';
import { RestartPolicy } from '../../../../services/lib/kcl/restart-policy.ts';

describe('restarts', () => {
  it('wait longer each time, up to half a minute, without end', () => {
    const policy = new RestartPolicy();
    const delays = Array.from({ length: 9 }, () => policy.nextDelay(1_000));
    assert.deepEqual(delays, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
    assert.equal(policy.failures, 9);
    for (let i = 0; i < 2_000; i++) policy.nextDelay(0);
    assert.equal(policy.nextDelay(0), 30_000);
  });

  it('begin anew after a healthy time', () => {
    const policy = new RestartPolicy();
    for (let i = 0; i < 5; i++) policy.nextDelay(0);
    assert.equal(policy.nextDelay(120_000), 500);
    assert.equal(policy.failures, 1);
  });
});

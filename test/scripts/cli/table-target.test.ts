import assert from 'node:assert/strict';
import { whyNot } from '../../../scripts/cli/table-target.ts';

const failure = (name: string, message: string, more: object = {}): Error => Object.assign(new Error(message), { name }, more);

describe('why a table cannot be asked', () => {
  it('comes with what to do where that is known', () => {
    const refused = failure('Error', 'connect ECONNREFUSED 127.0.0.1:8000', { code: 'ECONNREFUSED' });
    assert.match(whyNot(refused), /^connect ECONNREFUSED 127\.0\.0\.1:8000: nothing listens there\. Is the demo running\?/);
    assert.match(whyNot(failure('CredentialsProviderError', 'Could not load credentials')), /no AWS credentials.*AWS_PROFILE/);
    assert.equal(whyNot(failure('AccessDeniedException', 'not for you')), 'not for you');
  });
});

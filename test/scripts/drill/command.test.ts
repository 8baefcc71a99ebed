import assert from 'node:assert/strict';
import { UsageError } from '../../../scripts/cli/flags.ts';
import { drillCommand } from '../../../scripts/drill/command.ts';

const refused = (text: RegExp) => (error: unknown) => error instanceof UsageError && text.test(error.message);

describe('npm run drill', () => {
  it('names the drills when none is named, and the one that was meant', async () => {
    await assert.rejects(drillCommand([]), refused(/One of fraud, loader, latency, takeover/));
    await assert.rejects(drillCommand(['--json', 'fraud']), refused(/One of fraud/));
    await assert.rejects(drillCommand(['fruad']), refused(/did you mean fraud\?/));
  });

  it('refuses the wrong flags of a drill before anything is started', async () => {
    await assert.rejects(drillCommand(['fraud', '--faults', 'kil']), refused(/--faults kil: no fault "kil": expected some of kill, child/));
    await assert.rejects(drillCommand(['latency', '--retrieval', 'push']), refused(/expected one of polling, fanout/));
    await assert.rejects(drillCommand(['takeover', '--times', '0']), refused(/whole number from 1/));
  });
});

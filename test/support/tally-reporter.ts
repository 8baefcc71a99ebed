import { writeFileSync } from 'node:fs';
import Mocha from 'mocha';

/** mocha's usual report, and its figures in a file for whoever started it. */
// oxlint-disable-next-line import/no-default-export -- mocha looks for it
export default class TallyReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    const { tally } = options.reporterOptions as { readonly tally: string };
    runner.once('end', () => {
      const { passes, failures, pending } = this.stats;
      writeFileSync(tally, JSON.stringify({ passed: passes, failed: failures, skipped: pending }));
    });
  }
}

import { type AlertCounts, judgeAlerts } from './alerts.ts';
import { judgeContents } from './contents.ts';
import { type Evidence, type Failure, Failures } from './evidence.ts';
import { judgeHourly } from './hourly.ts';
import { type Latencies, latencies } from './latency.ts';
import { judgeLedger } from './ledger.ts';
import { judgeLocks } from './locks.ts';
import { judgeOrder } from './order.ts';
import { judgePositions, labelledPositions, type PositionCounts } from './source-positions.ts';
import { judgeWarehouse, type WarehouseCounts } from './warehouse.ts';
import { judgeWarehouseAlerts } from './warehouse-alerts.ts';

/** The line a judged run ends with. */
export interface Result extends PositionCounts {
  readonly type: 'result';
  readonly alerts: AlertCounts;
  readonly warehouse: WarehouseCounts;
  readonly latencyMs: Latencies;
  /** Accounts locked. */
  readonly locks: number;
  readonly ok: boolean;
}

export interface Verdict {
  readonly result: Result;
  readonly failures: readonly Failure[];
}

/** Holds all evidence of a run against what its generator knows. Pure: the same evidence, the same verdict. */
export function judge(evidence: Evidence): Verdict {
  const failures = new Failures();
  const positions = labelledPositions(evidence, failures);
  const counts = judgePositions(evidence, positions, failures);
  if (counts.routed + counts.dropped + counts.deadLettered !== counts.sent) {
    failures.add('sent is not routed + dropped + dead-lettered', JSON.stringify(counts));
  }
  // All of nothing is accounted for: such a run proves nothing.
  if (counts.sent === 0) failures.add('nothing was sent', 'the log is empty');
  const toRoute = positions.filter(({ label }) => label.expect === 'routed').length;
  if (toRoute > 0 && counts.routed === 0) failures.add('nothing was routed', `${toRoute} records had to be`);
  judgeContents(evidence, positions, failures);
  judgeOrder(evidence, positions, failures);
  const alerts = judgeAlerts(evidence, positions, failures);
  const locks = judgeLocks(evidence, failures);
  const warehouse = judgeWarehouse(evidence, positions, failures);
  judgeLedger(evidence, failures);
  judgeHourly(evidence, failures);
  judgeWarehouseAlerts(evidence, failures);
  const ok = failures.list.length === 0;
  return {
    result: { type: 'result', ...counts, alerts, warehouse, latencyMs: latencies(evidence), locks, ok },
    failures: failures.list,
  };
}

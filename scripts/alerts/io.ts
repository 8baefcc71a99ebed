import { openTable, type TableTarget } from '../cli/table-target.ts';
import type { TargetFlags } from './flags.ts';

/** How a subcommand speaks. */
export interface AlertsIo {
  readonly env: NodeJS.ProcessEnv;
  /** Data; one line a call. */
  readonly out: (line: string) => void;
  /** For people. */
  readonly note: (line: string) => void;
  /** Epoch ms. */
  readonly now: () => number;
  readonly signal: AbortSignal;
  /** Of stdout when it is a terminal. */
  readonly columns: number | undefined;
  readonly isColored: boolean;
}

/** Throws UsageError. */
export const openAlerts = (flags: TargetFlags, io: AlertsIo): Promise<TableTarget> =>
  openTable(flags, flags.table ?? io.env['ALERTS_TABLE'] ?? 'fraud-alerts', io);

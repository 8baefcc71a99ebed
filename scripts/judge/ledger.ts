import { comparePositions, trimHorizon } from '../../services/lib/kcl/position.ts';
import { redshiftLoader } from '../../services/redshift-loader/service.ts';
import { type Evidence, type Failures, groupBy, type LedgerRow } from './evidence.ts';

/**
 * The ledger must tell one story: each shard loaded once, from its first record to the watermark. A range loaded twice leaves no
 * doubled rows (the load drops repeats), so only its ledger shows it.
 */
export function judgeLedger(evidence: Evidence, failures: Failures): void {
  const { ledger, watermarks, eventsStream } = evidence;
  const streams = new Set([...ledger, ...watermarks].map(({ application, streamId }) => `${application} ${streamId}`));
  for (const stream of streams) {
    if (!stream.startsWith(`${redshiftLoader.consumes?.application ?? ''} ${eventsStream}@`) || streams.size > 1) {
      failures.add('ledger of another application or stream', stream);
    }
  }
  const files = groupBy(ledger, ({ shardId }) => shardId);
  const watermarkRows = groupBy(watermarks, ({ shardId }) => shardId);
  const records = new Map(evidence.routed.map((shard) => [shard.shardId, shard.records.length]));
  for (const shardId of new Set([...files.keys(), ...watermarkRows.keys(), ...records.keys()])) {
    const chain = files.get(shardId) ?? [];
    const reached = judgeChain(shardId, chain, failures);
    const [watermark, ...more] = watermarkRows.get(shardId) ?? [];
    if (reached !== (watermark?.position ?? trimHorizon) || more.length > 0) {
      failures.add('the ledger does not end at the watermark', `${shardId}: ${reached}`);
    }
    const copied = sum(chain.map((file) => file.copied));
    const refused = sum(chain.map((file) => file.quarantined));
    const valid = records.get(shardId) ?? 0;
    if (copied + refused !== valid) {
      failures.add('other rows copied than records on the shard', `${shardId}: ${copied}, and ${refused} refused, of ${valid}`);
    }
  }
  judgeInserted(evidence, failures);
  judgeQuarantine(evidence, failures);
}

/** Where the chain ends. */
function judgeChain(shardId: string, chain: readonly LedgerRow[], failures: Failures): LedgerRow['to'] {
  let reached = trimHorizon;
  for (const { fileId, from, to } of chain.toSorted((a, b) => comparePositions(a.from, b.from) || comparePositions(a.to, b.to))) {
    if (from !== reached || comparePositions(to, from) <= 0) {
      failures.add('the ledger has a hole or an overlap', `${shardId} file ${fileId}: (${from}, ${to}] after ${reached}`);
    }
    if (comparePositions(to, reached) > 0) reached = to;
  }
  return reached;
}

function judgeInserted({ ledger, warehouseRows }: Evidence, failures: Failures): void {
  const rows = groupBy(warehouseRows, ({ fileId }) => fileId);
  for (const [fileId, same] of groupBy(ledger, (file) => file.fileId)) {
    if (same.length > 1) failures.add('a file is in the ledger twice', `file ${fileId}`);
    const inserted = sum(same.map((file) => file.inserted));
    const found = rows.get(fileId)?.length ?? 0;
    if (inserted !== found) failures.add('other rows inserted than the warehouse holds', `file ${fileId}: ${inserted}, found ${found}`);
  }
  const total = sum(ledger.map((file) => file.inserted));
  if (total !== warehouseRows.length)
    failures.add('other rows inserted than the warehouse holds', `${total}, found ${warehouseRows.length}`);
}

/** The ledger counts the refused lines of each file, and each of them is in quarantine once. */
function judgeQuarantine({ ledger, quarantine }: Evidence, failures: Failures): void {
  const lines = groupBy(quarantine, ({ fileId }) => fileId);
  for (const [fileId, same] of groupBy(ledger, (file) => file.fileId)) {
    const counted = sum(same.map((file) => file.quarantined));
    const kept = new Set((lines.get(fileId) ?? []).map(({ line }) => line)).size;
    if (counted !== kept) failures.add('other lines refused than are in quarantine', `file ${fileId}: ${counted}, found ${kept}`);
    if (kept !== (lines.get(fileId)?.length ?? 0)) failures.add('a line is in quarantine twice', `file ${fileId}`);
    lines.delete(fileId);
  }
  for (const fileId of lines.keys()) failures.add('in quarantine, but of no file in the ledger', `file ${fileId}`);
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

import { eventRouter } from '../../services/event-router/service.ts';
import { fraudDetector } from '../../services/fraud-detector/service.ts';
import { redshiftLoader } from '../../services/redshift-loader/service.ts';
import type { Label } from '../generate/planned-record.ts';
import { type Evidence, type Failures, positionKey } from './evidence.ts';

/** A record as it lies on a stream, and what must become of it. */
export interface LabelledPosition {
  readonly stream: string;
  readonly shardId: string;
  readonly sequenceNumber: string;
  readonly sha256: string;
  readonly label: Label;
}

/**
 * The positions the run put records at: what the log holds, checked against the stream. A put whose answer was lost is
 * on the stream and not in the log; its bytes tell which record it repeats.
 */
export function labelledPositions(evidence: Evidence, failures: Failures): LabelledPosition[] {
  const { log, changesStream } = evidence;
  const onStream = new Map(evidence.source.map((record) => [positionKey(changesStream, record), record]));
  const labelBySha = new Map(log.map((sent) => [sent.sha256, sent.label]));
  const positions: LabelledPosition[] = [];
  for (const sent of log) {
    positions.push(sent);
    if (sent.stream !== changesStream) continue;
    const key = positionKey(sent.stream, sent);
    const record = onStream.get(key);
    if (record === undefined) failures.add('acknowledged, but not on the stream', key);
    else if (record.sha256 !== sent.sha256) failures.add('other bytes on the stream than were put', key);
    onStream.delete(key);
  }
  for (const [key, record] of onStream) {
    const label = labelBySha.get(record.sha256);
    if (label) positions.push({ ...record, stream: changesStream, label: { ...label, duplicate: true } });
    else failures.add('on the stream, but never put', key);
  }
  return positions;
}

export interface PositionCounts {
  readonly sent: number;
  readonly duplicates: number;
  readonly disordered: number;
  readonly late: number;
  readonly future: number;
  readonly malformed: number;
  readonly routed: number;
  readonly dropped: number;
  readonly deadLettered: number;
}

/** Where each position ended up, by durable evidence alone: routed, dropped and dead-lettered must be disjoint and make up all. */
export function judgePositions(evidence: Evidence, positions: readonly LabelledPosition[], failures: Failures): PositionCounts {
  const occurrences = new Map<string, number>();
  for (const shard of evidence.routed) {
    for (const { event } of shard.records) occurrences.set(event.eventId, (occurrences.get(event.eventId) ?? 0) + 1);
  }
  const dead = deadLettersByPosition(evidence, positions, failures);
  const known = new Set<string>();
  const counts = { routed: 0, dropped: 0, deadLettered: 0 };
  const left = new Map(occurrences);

  for (const position of positions) {
    const { label } = position;
    const key = positionKey(position.stream, position);
    const isDead = dead.has(key);
    if (isDead) counts.deadLettered++;
    if (label.expect === 'dead-lettered') {
      if (!isDead) failures.add('not in the dead letters', `${key} (${label.malformed ?? ''})`);
      continue;
    }
    if (isDead) failures.add('in the dead letters, but valid', `${key}: ${dead.get(key) ?? ''}`);
    if (label.expect === 'dropped') {
      const made = label.eventIds.find((id) => occurrences.has(id));
      if (made !== undefined) failures.add('routed, but nothing had changed', `${key}: event ${made}`);
      else if (!isDead) counts.dropped++;
      continue;
    }
    const [eventId = ''] = label.eventIds;
    known.add(eventId);
    const copies = left.get(eventId) ?? 0;
    if (copies > 0) {
      left.set(eventId, copies - 1);
      counts.routed++;
    } else if (!isDead) failures.add('lost between the streams', `${key}: event ${eventId}`);
  }
  for (const id of occurrences.keys()) if (!known.has(id)) failures.add('routed, but never sent', `event ${id}`);

  const having = (flag: 'duplicate' | 'disordered' | 'late' | 'future' | 'malformed') =>
    positions.filter(({ label }) => label[flag] !== undefined).length;
  return {
    sent: positions.length,
    duplicates: having('duplicate'),
    disordered: having('disordered'),
    late: having('late'),
    future: having('future'),
    malformed: having('malformed'),
    ...counts,
  };
}

/** Reason per position; checks each dead letter against the bytes at its position. */
function deadLettersByPosition(evidence: Evidence, positions: readonly LabelledPosition[], failures: Failures): Map<string, string> {
  const services = new Map([
    [evidence.changesStream, eventRouter.name],
    [evidence.eventsStream, redshiftLoader.name],
  ]);
  const bytesAt = new Map([
    ...evidence.broken.map((record) => [positionKey(evidence.eventsStream, record), record.sha256] as const),
    ...positions.map((position) => [positionKey(position.stream, position), position.sha256] as const),
  ]);
  const reasons = new Map<string, string>();
  const poison = new Map(evidence.poisoned.map(({ sha256, eventId }) => [sha256, eventId]));
  const buried = new Set<string>();
  for (const letter of evidence.deadLetters) {
    // Valid for everybody else: the loader has its row.
    if (letter.service === fraudDetector.name && letter.reason === 'poison' && poison.has(letter.sha256)) {
      buried.add(letter.sha256);
      continue;
    }
    const key = positionKey(letter.stream, letter);
    const sha256 = bytesAt.get(key);
    if (sha256 === undefined) failures.add('a dead letter of nothing that was put', `${key} (${letter.service}, ${letter.reason})`);
    else if (sha256 !== letter.sha256) failures.add('a dead letter without the original bytes', key);
    if (letter.service !== services.get(letter.stream))
      failures.add('a dead letter by another service than reads its stream', `${key} (${letter.service})`);
    if (letter.reason === '') failures.add('a dead letter without a reason', key);
    if (reasons.has(key)) failures.add('two dead letters of one record', key);
    reasons.set(key, letter.reason);
  }
  for (const [sha256, eventId] of poison) {
    if (!buried.has(sha256)) failures.add('killed the detector, and is not in its dead letters', `event ${eventId}`);
  }
  for (const record of evidence.broken) {
    const key = positionKey(evidence.eventsStream, record);
    if (!reasons.has(key)) failures.add('not in the dead letters', key);
  }
  return reasons;
}

import { type DeadLetter, deadLetterRoot, decodeDeadLetter } from '../../services/lib/deadletter/format.ts';
import type { ObjectStore } from '../../services/lib/objects/object-store.ts';

export interface Selection {
  readonly service: string;
  readonly stream?: string | undefined;
  readonly reason?: string | undefined;
  /** Epoch ms. */
  readonly since?: number | undefined;
  readonly again: boolean;
}

export type Found =
  | { readonly kind: 'letter'; readonly key: string; readonly letter: DeadLetter }
  | { readonly kind: 'replayed-before'; readonly key: string }
  | { readonly kind: 'unreadable'; readonly key: string; readonly error: string };

const replayedRoot = 'replayed/';

/** The object that says that a dead letter was sent again. */
export const replayedKey = (deadLetterKey: string): string => replayedRoot + deadLetterKey.slice(deadLetterRoot.length);

/** How many dead letters each service has, replayed ones included; for who finds none where they looked. */
export async function countByService(store: ObjectStore): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for await (const { key } of store.list(deadLetterRoot)) {
    const service = key.slice(deadLetterRoot.length).split('/', 1)[0] ?? '';
    counts.set(service, (counts.get(service) ?? 0) + 1);
  }
  return counts;
}

/** The dead letters of a service in order of stream, shard and position. */
export async function* findLetters(store: ObjectStore, selection: Selection): AsyncIterable<Found> {
  const folder = `${selection.service}/${selection.stream === undefined ? '' : `${selection.stream}/`}`;
  const replayed = new Set<string>();
  for await (const { key } of store.list(replayedRoot + folder)) replayed.add(key);
  for await (const { key } of store.list(deadLetterRoot + folder)) {
    const isRepeat = replayed.has(replayedKey(key));
    if (isRepeat && !selection.again) {
      yield { kind: 'replayed-before', key };
      continue;
    }
    const outcome = decodeDeadLetter(await store.read(key));
    if (outcome.kind !== 'ok') {
      yield { kind: 'unreadable', key, error: outcome.kind === 'deadLetter' ? outcome.error : outcome.reason };
      continue;
    }
    const letter = outcome.value;
    if (selection.reason !== undefined && letter.reason !== selection.reason) continue;
    if (selection.since !== undefined && letter.arrivedAt < selection.since) continue;
    yield { kind: 'letter', key, letter };
  }
}

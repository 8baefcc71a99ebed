import type { Element } from '../evictors/evictor.ts';
import type { Plain } from '../plain.ts';
import { savedList, savedTime, savedValue } from './saved.ts';

/** Records that are kept as they came; their values were checked to be JSON then. */
export const saveElements = (elements: readonly Element<unknown>[]): Plain =>
  elements.map(({ timestamp, value }) => [timestamp, value as Plain]);

export const loadElements = <V>(saved: Plain): Element<V>[] =>
  savedList(saved).map((element) => {
    const [timestamp, value] = savedList(element, 2);
    return { timestamp: savedTime(timestamp), value: savedValue(value) as V };
  });

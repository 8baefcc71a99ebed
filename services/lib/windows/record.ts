/** What an operator is given: event time and a value, under a key. */
export interface KeyedRecord<V> {
  readonly key: string;
  /** Event time (for windows by ROWTIME: arrival). */
  readonly timestamp: number;
  readonly value: V;
}

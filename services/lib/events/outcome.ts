/** What becomes of one input. Bad input is never an exception: it is dropped with a counted reason or dead-lettered whole. */
export type Outcome<T, Drop extends string = string, Dead extends string = string> =
  | { readonly kind: 'ok'; readonly value: T }
  | { readonly kind: 'drop'; readonly reason: Drop }
  | { readonly kind: 'deadLetter'; readonly reason: Dead; readonly error: string };

export const ok = <T>(value: T): { kind: 'ok'; value: T } => ({ kind: 'ok', value });
export const drop = <D extends string>(reason: D): { kind: 'drop'; reason: D } => ({ kind: 'drop', reason });
export const deadLetter = <D extends string>(reason: D, error: string): { kind: 'deadLetter'; reason: D; error: string } => ({
  kind: 'deadLetter',
  reason,
  error,
});

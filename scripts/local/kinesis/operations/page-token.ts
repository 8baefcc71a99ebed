import { ApiError, invalidArgument } from '../protocol/errors.ts';
import type { Stream } from '../store/stream.ts';
import type { Service } from './call.ts';

/** ListShards and ListStreamConsumers, API reference: "Tokens expire after 300 seconds". */
const tokenLifeMs = 300_000;

interface PageToken {
  readonly name: string;
  readonly incarnation: number;
  readonly issuedAtMs: number;
  readonly more: unknown;
}

/** The NextToken of a list that belongs to a stream; `more` is what its next page has to know. */
export function sealPage(operation: string, { name, incarnation }: Stream, more: unknown, { tokens, store }: Service): string {
  const token: PageToken = { name, incarnation, issuedAtMs: store.now(), more };
  return tokens.seal(operation, token);
}

/** The stream of a NextToken of the same operation, and what was sealed with it. */
export function openPage(operation: string, text: string, { tokens, store }: Service): { readonly stream: Stream; readonly more: unknown } {
  const token = tokens.open(operation, text) as PageToken | undefined;
  const stream = token && store.get(token.name);
  if (stream === undefined || stream.incarnation !== token?.incarnation) throw invalidArgument('The NextToken is invalid.');
  if (store.now() - token.issuedAtMs > tokenLifeMs) throw new ApiError('ExpiredNextTokenException', 'The NextToken has expired.');
  return { stream, more: token.more };
}

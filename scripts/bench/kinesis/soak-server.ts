/** The local Kinesis in a process of its own that tells, when asked by its parent, what it holds. */
import { queryObjects } from 'node:v8';
import { Subscription } from '../../local/kinesis/fanout/subscription.ts';
import { startKinesis } from '../../local/kinesis/server.ts';
import { type Footprint, footprint } from './footprint.ts';

export type ToServer = 'sample' | 'stop';
export type FromServer = { readonly endpoint: string } | ({ readonly subscriptions: number } & Footprint);

const tell = (message: FromServer): boolean => process.send?.(message) ?? false;

const server = await startKinesis({ maxBytes: Number(process.argv[2]) });
process.on('message', (message: ToServer) => {
  if (message === 'stop') void server.close().then(() => process.exit(0));
  else tell({ subscriptions: queryObjects(Subscription, { format: 'count' }), ...footprint() });
});
process.on('disconnect', () => process.exit(1));
tell({ endpoint: server.endpoint });

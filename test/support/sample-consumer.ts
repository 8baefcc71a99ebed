import type { ConfigShape } from '../../services/lib/process/config.ts';
import { type Consumption, defineService, type ServiceDefinition } from '../../services/lib/process/service.ts';

/** A KCL consumer that touches nothing but its stream, for what the test says of it. */
export const sampleConsumer = <S extends ConfigShape>(
  name: string,
  config: S,
  consumes: Omit<Consumption, 'stream' | 'application'> & { readonly streamName: string },
): ServiceDefinition<S> => {
  const { streamName, ...reading } = consumes;
  return defineService({
    name,
    summary: 'a sample',
    runtime: 'kcl-consumer',
    config,
    consumes: { ...reading, application: name, stream: { name: streamName, summary: 'any records', localShards: 2, retentionHours: 24 } },
    produces: [],
    tables: [],
    topics: [],
    objects: [],
    actions: [],
    size: { cpu: 256, memoryMiB: 512 },
  });
};

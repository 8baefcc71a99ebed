import type { Config, ConfigShape } from '../process/config.ts';
import { PlatformError } from '../process/errors.ts';
import type { Consumption, ServiceDefinition } from '../process/service.ts';

/** What a service reads, with the names its configuration gives. */
export function consumptionOf<S extends ConfigShape>(
  definition: ServiceDefinition<S>,
  config: Config<S>,
  applicationOverride: string | undefined,
): Consumption & { readonly streamName: string } {
  const { consumes } = definition;
  if (consumes === undefined) throw new PlatformError('INTERNAL', `${definition.name} declares no stream to consume`);
  return {
    ...consumes,
    application: applicationOverride ?? consumes.application,
    streamName: String(config[consumes.streamConfigKey]),
  };
}

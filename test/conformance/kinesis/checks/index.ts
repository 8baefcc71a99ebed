import type { Check } from '../check.ts';
import { consumerChecks } from './consumers.ts';
import { getRecordsChecks } from './get-records.ts';
import { iteratorChecks } from './iterators.ts';
import { limitChecks } from './limits.ts';
import { listShardsChecks } from './list-shards.ts';
import { listStreamsChecks } from './list-streams.ts';
import { putChecks } from './put.ts';
import { reshardChecks } from './reshard.ts';
import { resourceTagChecks } from './resource-tags.ts';
import { retentionChecks } from './retention.ts';
import { stateChecks } from './states.ts';
import { streamChecks } from './streams.ts';
import { subscribeChecks } from './subscribe.ts';
import { tagChecks } from './tags.ts';
import { validationChecks } from './validation.ts';
import { wireChecks } from './wire.ts';

export const checks: readonly Check[] = [
  ...streamChecks,
  ...stateChecks,
  ...listStreamsChecks,
  ...listShardsChecks,
  ...putChecks,
  ...iteratorChecks,
  ...getRecordsChecks,
  ...reshardChecks,
  ...wireChecks,
  ...validationChecks,
  ...tagChecks,
  ...resourceTagChecks,
  ...subscribeChecks,
  ...retentionChecks,
  ...limitChecks,
  ...consumerChecks,
];

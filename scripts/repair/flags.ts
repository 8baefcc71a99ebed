import { bookingEvents } from '../../services/lib/events/streams.ts';
import { type Flags, flag, option, preset, UsageError } from '../cli/flags.ts';
import { parseLoopbackUrl, parseStage, parseText } from '../cli/values.ts';

export const repairFlags = {
  stage: option('STAGE', "the stage that is meant, with the shell's AWS credentials and region", undefined, parseStage),
  endpoint: option('URL', 'local DynamoDB (loopback); default $DYNAMODB_ENDPOINT', undefined, parseLoopbackUrl),
  kinesis: option('URL', 'local Kinesis (loopback); default $KINESIS_ENDPOINT', undefined, parseLoopbackUrl),
  objects: option('URL', 'object store of the staged files: file:///dir or s3://bucket/prefix; default $OBJECTS_URL', undefined, parseText),
  url: option('URL', 'the warehouse, which says what is loaded already; default $WAREHOUSE_URL', undefined, parseText),
  'ca-file': option('FILE', 'PEM file of the authorities that may certify the warehouse; default $WAREHOUSE_CA_FILE', undefined, parseText),
  table: option('NAME', 'table of the registered files; default $REGISTRY_TABLE, else load-registry', undefined, parseText),
  stream: preset('NAME', 'the stream whose events they hold', bookingEvents.name, parseText),
  application: preset('NAME', "the loader's application", 'redshift-loader', parseText),
  yes: flag('make the faulty files again from the stream; without it nothing is written'),
  'accept-loss': flag('with --yes: files of which the stream has lost a part are registered with what is left'),
  json: flag('one JSON line on stdout'),
};

export type RepairFlags = Flags<typeof repairFlags>;

/** What the flags mean together. Throws UsageError. */
export function checkFlags({ yes, 'accept-loss': acceptLoss, stage, kinesis }: RepairFlags): void {
  if (acceptLoss && !yes) throw new UsageError('--accept-loss goes with --yes: look first, without either');
  if (stage !== undefined && kinesis !== undefined) throw new UsageError('--stage or --kinesis, not both');
}

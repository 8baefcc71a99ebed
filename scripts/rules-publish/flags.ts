import { type Flags, flag, option, UsageError } from '../cli/flags.ts';
import { parseInteger, parseLoopbackUrl, parseStage, parseText } from '../cli/values.ts';

export const rulesPublishFlags = {
  rules: option('FILE', 'the rules file to publish', undefined, parseText),
  events: option(
    'FILE',
    'booking events, one JSON object a line: which alerts would the change take away, add or change?',
    undefined,
    parseText,
  ),
  list: flag('what was published, and what is withheld'),
  rollback: option(
    'GENERATION',
    'publish the content of that generation again, as a new one',
    undefined,
    parseInteger(1, Number.MAX_SAFE_INTEGER),
  ),
  deployed: flag('every detector runs this build: needed once, for the first rules of a newer schema version'),
  withhold: option('RULE|all', 'kill switch: store the alerts of a rule, or all, but publish none', undefined, parseText),
  resume: option('RULE|all', 'take --withhold back', undefined, parseText),
  stage: option('STAGE', "the stage that is meant, with the shell's AWS credentials and region", undefined, parseStage),
  endpoint: option('URL', 'local DynamoDB (loopback); default $DYNAMODB_ENDPOINT', undefined, parseLoopbackUrl),
  objects: option('URL', "the detectors' object store: file:///dir or s3://bucket/prefix; default $OBJECTS_URL", undefined, parseText),
  table: option('NAME', 'table of the rules; default $RULES_TABLE, else fraud-rules', undefined, parseText),
  'state-table': option(
    'NAME',
    'table of the shards, which tell what they still need; default $STATE_TABLE, else shard-state',
    undefined,
    parseText,
  ),
  yes: flag('write; without it nothing is'),
  json: flag('one JSON line on stdout'),
};

export type RulesPublishFlags = Flags<typeof rulesPublishFlags>;

export type Action =
  | { readonly kind: 'publish'; readonly path: string; readonly events: string | undefined; readonly deployed: boolean }
  | { readonly kind: 'rollback'; readonly generation: number; readonly events: string | undefined }
  | { readonly kind: 'withhold' | 'resume'; readonly what: string }
  | { readonly kind: 'list' };

/** What the flags mean together. Throws UsageError. */
export function actionOf({ rules, events, list, rollback, deployed, withhold, resume }: RulesPublishFlags): Action {
  const actions: Action[] = [
    ...(rules === undefined ? [] : [{ kind: 'publish' as const, path: rules, events, deployed }]),
    ...(rollback === undefined ? [] : [{ kind: 'rollback' as const, generation: rollback, events }]),
    ...(withhold === undefined ? [] : [{ kind: 'withhold' as const, what: withhold }]),
    ...(resume === undefined ? [] : [{ kind: 'resume' as const, what: resume }]),
    ...(list ? [{ kind: 'list' as const }] : []),
  ];
  const [action, ...more] = actions;
  const which = 'one of --rules FILE, --rollback GENERATION, --withhold RULE, --resume RULE and --list';
  if (action === undefined) throw new UsageError(`${which} is needed`);
  if (more.length > 0) throw new UsageError(`only ${which} at a time`);
  if (events !== undefined && !('events' in action)) throw new UsageError('--events goes with --rules or --rollback');
  if (deployed && action.kind !== 'publish') throw new UsageError('--deployed goes with --rules');
  return action;
}

import { delimiter, dirname } from 'node:path';

/** Nobody listens there: what is asked for and was not started is refused at once. */
const nobody = 'http://127.0.0.1:1';

/** What a process of ours may see of its parent's environment; no AWS_*, no proxy, no options for Node or Java. */
const inherited = ['JAVA_HOME', 'TMPDIR'] as const;

/**
 * The environment of a part: this Node first on PATH, no way to find an account (DESIGN: a local run never reaches a
 * real one), and a home without anybody's configuration files.
 */
export function partEnvironment(home: string, env: NodeJS.ProcessEnv = process.env): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of inherited) {
    const value = env[name];
    if (value !== undefined) kept[name] = value;
  }
  return {
    ...kept,
    PATH: [dirname(process.execPath), ...(env['PATH'] ?? '').split(delimiter)].join(delimiter),
    HOME: home,
    LANG: 'C.UTF-8',
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  };
}

export interface Endpoints {
  readonly kinesis?: string;
  readonly dynamo?: string;
  readonly sns?: string;
  readonly warehouse?: string;
  readonly objects: string;
  readonly alertsTopicArn: string;
  readonly kclJars: string;
}

/** The whole environment of a service that runs on the local stack. */
export function serviceEnvironment(home: string, endpoints: Endpoints): Record<string, string> {
  return {
    ...partEnvironment(home),
    LOCAL_MODE: 'true',
    KINESIS_ENDPOINT: endpoints.kinesis ?? nobody,
    DYNAMODB_ENDPOINT: endpoints.dynamo ?? nobody,
    SNS_ENDPOINT: endpoints.sns ?? nobody,
    OBJECTS_URL: endpoints.objects,
    ALERTS_TOPIC_ARN: endpoints.alertsTopicArn,
    KCL_JARS: endpoints.kclJars,
    ...(endpoints.warehouse === undefined ? {} : { WAREHOUSE_URL: endpoints.warehouse }),
  };
}

import path from 'node:path';
import type { LogLevel } from '../process/log.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** `java` of JAVA_HOME, else the one PATH finds. */
export function javaExecutable(env: Environment): string {
  return env['JAVA_HOME'] ? path.join(env['JAVA_HOME'], 'bin', 'java') : 'java';
}

export interface JavaOptions {
  readonly jars: string;
  readonly heapMiB: number;
  readonly propertiesFile: string;
  readonly logbackFile: string;
}

/** Arguments of the MultiLangDaemon's JVM: one small heap, one compiler, the collector that costs least on a small task. */
export function javaArguments(options: JavaOptions): string[] {
  return [
    `-Xmx${options.heapMiB}m`,
    // Both ends of the pipe use the platform's charset, which is US-ASCII under LANG=C.
    '-Dfile.encoding=UTF-8',
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    '-XX:-UsePerfData',
    // A JVM that is out of memory must not linger with some of its threads gone.
    '-XX:+ExitOnOutOfMemoryError',
    // Set here and not by --log-configuration, which takes effect only after the first lines were logged.
    `-Dlogback.configurationFile=${options.logbackFile}`,
    '-cp',
    path.join(options.jars, '*'),
    'software.amazon.kinesis.multilang.MultiLangDaemon',
    '--properties-file',
    options.propertiesFile,
  ];
}

/** The SDK tells every process that runs on Node 20 to move to 22, where the containers are: seven lines a child. */
export const noNodeVersionWarning = 'AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED';

/** Names that could lead a local run to a real account, a proxy or a foreign JVM option. */
const strangersInLocalMode = /^(AWS_.*|(https?|all|no)_proxy|JAVA_TOOL_OPTIONS|_JAVA_OPTIONS|JDK_JAVA_OPTIONS|ECS_.*)$/i;

/**
 * Environment of the JVM and of the children it starts. In local mode every way to find an account is closed:
 * dummy keys, no shared configuration, no metadata service.
 */
export function javaEnvironment(env: Environment, options: { local: boolean; region: string; nodeFolder: string }): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && !(options.local && strangersInLocalMode.test(name))) result[name] = value;
  }
  // The child's command says `node`; it must be the one that runs the launcher.
  result['PATH'] = [options.nodeFolder, ...(env['PATH'] ?? '').split(path.delimiter).filter((part) => part !== '')].join(path.delimiter);
  result['AWS_REGION'] = options.region;
  result[noNodeVersionWarning] = 'true';
  if (options.local) {
    result['AWS_ACCESS_KEY_ID'] = 'local';
    result['AWS_SECRET_ACCESS_KEY'] = 'local';
    result['AWS_CONFIG_FILE'] = '/dev/null';
    result['AWS_SHARED_CREDENTIALS_FILE'] = '/dev/null';
    result['AWS_EC2_METADATA_DISABLED'] = 'true';
  }
  return result;
}

/** First field of each line the JVM logs; any other line is printed by something else. */
export const daemonLinePrefix = 'kcl-daemon';

/**
 * One line an event: prefix, level, logger, text, tab-separated, line breaks folded.
 * multilang stays at WARN: its INFO writes several lines a message. The child's stderr reaches us as the JVM's own
 * stderr, so the logger that repeats it is off. ProcessTask warns, once a batch and for up to 30 s after a reshard, of
 * aggregates that it cannot judge: children judge them (strays.ts).
 */
export function logbackConfiguration(level: LogLevel): string {
  const kinesis = level === 'debug' ? 'INFO' : 'WARN';
  const fold = (field: string): string => `%replace(${field}){'[\\r\\n\\t]+', ' | '}`;
  return `<configuration>
  <statusListener class="ch.qos.logback.core.status.NopStatusListener"/>
  <appender name="stdout" class="ch.qos.logback.core.ConsoleAppender">
    <encoder>
      <charset>UTF-8</charset>
      <pattern>${daemonLinePrefix}&#9;%level&#9;%logger&#9;${fold('%msg')}&#9;${fold('%ex')}%nopex%n</pattern>
    </encoder>
  </appender>
  <logger name="software.amazon.kinesis" level="${kinesis}"/>
  <logger name="software.amazon.kinesis.lifecycle.ProcessTask" level="ERROR"/>
  <logger name="software.amazon.kinesis.multilang" level="WARN"/>
  <logger name="software.amazon.kinesis.multilang.DrainChildSTDERRTask" level="OFF"/>
  <root level="WARN">
    <appender-ref ref="stdout"/>
  </root>
</configuration>
`;
}

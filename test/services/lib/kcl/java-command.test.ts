import assert from 'node:assert/strict';
import { maxDaemonLineLength, parseDaemonLine } from '../../../../services/lib/kcl/daemon-lines.ts';
import { javaArguments, javaEnvironment, javaExecutable, logbackConfiguration } from '../../../../services/lib/kcl/java-command.ts';

describe("the JVM's command", () => {
  it('sets the charset, the heap and the class path', () => {
    const args = javaArguments({ jars: '/opt/kcl/jars', heapMiB: 300, propertiesFile: '/run/p', logbackFile: '/run/l.xml' });
    assert.ok(args.includes('-Dfile.encoding=UTF-8'));
    assert.ok(args.includes('-Xmx300m'));
    assert.equal(args[args.indexOf('-cp') + 1], '/opt/kcl/jars/*');
    assert.deepEqual(args.slice(-2), ['--properties-file', '/run/p']);
  });

  it('is the java of JAVA_HOME, else of PATH', () => {
    assert.equal(javaExecutable({ JAVA_HOME: '/usr/lib/jvm/17' }), '/usr/lib/jvm/17/bin/java');
    assert.equal(javaExecutable({}), 'java');
  });

  it('leaves nothing in a local environment that leads to an account, a proxy or a foreign option', () => {
    const env = javaEnvironment(
      {
        PATH: '/usr/bin',
        AWS_PROFILE: 'production',
        AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/v2/x',
        AWS_ACCESS_KEY_ID: 'AKIAREAL',
        https_proxy: 'http://proxy.example',
        JAVA_TOOL_OPTIONS: '-Dx=y',
        KINESIS_ENDPOINT: 'http://127.0.0.1:1',
      },
      { local: true, region: 'us-east-1', nodeFolder: '/node/bin' },
    );
    assert.deepEqual(env, {
      PATH: '/node/bin:/usr/bin',
      KINESIS_ENDPOINT: 'http://127.0.0.1:1',
      AWS_REGION: 'us-east-1',
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      AWS_CONFIG_FILE: '/dev/null',
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
      AWS_EC2_METADATA_DISABLED: 'true',
    });
  });

  it("keeps a stage's environment", () => {
    const env = javaEnvironment({ AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/v2/x' }, { local: false, region: 'r', nodeFolder: '/n' });
    assert.equal(env['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'], '/v2/x');
    assert.equal(env['AWS_ACCESS_KEY_ID'], undefined);
  });

  it('never logs, whatever the level, what comes with every message or batch', () => {
    for (const level of ['debug', 'info'] as const) {
      assert.match(logbackConfiguration(level), /name="software\.amazon\.kinesis\.multilang" level="WARN"/);
      assert.match(logbackConfiguration(level), /name="software\.amazon\.kinesis\.lifecycle\.ProcessTask" level="ERROR"/);
    }
  });
});

describe("the JVM's lines", () => {
  it('of its logger become level, logger, text and error', () => {
    assert.deepEqual(parseDaemonLine('kcl-daemon\tWARN\ta.b.Scheduler\tsome text\tjava.lang.X: y | at z'), {
      level: 'warn',
      logger: 'a.b.Scheduler',
      message: 'some text',
      error: 'java.lang.X: y | at z',
    });
    assert.deepEqual(parseDaemonLine('kcl-daemon\tERROR\ta.b\ttext\t'), { level: 'error', logger: 'a.b', message: 'text' });
  });

  it('of anything else are warnings, blank ones nothing', () => {
    assert.deepEqual(parseDaemonLine('Exception in thread "main" X'), { level: 'warn', message: 'Exception in thread "main" X' });
    assert.equal(parseDaemonLine('  '), undefined);
  });

  it('are cut when they would not fit a log record', () => {
    const line = parseDaemonLine('x'.repeat(maxDaemonLineLength * 2));
    assert.ok(line !== undefined && line.message.length < maxDaemonLineLength + 100);
  });
});

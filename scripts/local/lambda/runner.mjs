/**
 * `node runner.mjs main.js TIMEOUT_MS`: runs a bundled Lambda function as its environment does, one event at a time, without a loader.
 * Answers POST /2015-03-31/functions/function/invocations on loopback as Invoke does (Lambda API reference): 200, and for a function
 * error the header X-Amz-Function-Error with {errorType, errorMessage}. What the function prints is this process's output.
 */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

const path = '/2015-03-31/functions/function/invocations';
/** Lambda quotas, "Invocation payload", asynchronous. */
const maxEventBytes = 1_048_576;
const [file = '', timeout = ''] = process.argv.slice(2);
const timeoutMs = Number(timeout);

/** @type {{handler?: (event: unknown, context: object) => Promise<unknown>}} */
const { handler } = await import(pathToFileURL(resolve(file)).href);
if (handler === undefined) throw new Error(`${file} exports no handler`);

/** Settles after the event before it. */
let turn = Promise.resolve();

const server = createServer((request, response) => {
  if (request.method !== 'POST' || request.url !== path) return void response.writeHead(404).end();
  const answer = read(request).then((event) => (turn = turn.then(() => run(event, response))));
  answer.catch(() => response.writeHead(413).end());
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address === 'object')
    process.stdout.write(`${JSON.stringify({ event: 'lambda.listening', port: address.port })}\n`);
});
process.on('SIGTERM', () => process.exit(0));

/** @param {unknown} event @param {import('node:http').ServerResponse} response */
async function run(event, response) {
  const awsRequestId = randomUUID();
  const deadline = new AbortController();
  try {
    const tooLong = sleep(timeoutMs, undefined, { signal: deadline.signal }).then(() => {
      throw new Error(`Task timed out after ${(timeoutMs / 1_000).toFixed(2)} seconds`);
    });
    const result = await Promise.race([Promise.resolve().then(() => handler?.(event, { awsRequestId })), tooLong]);
    response.setHeader('x-amzn-requestid', awsRequestId).end(JSON.stringify(result ?? null));
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    response
      .writeHead(200, { 'x-amz-function-error': 'Unhandled', 'x-amzn-requestid': awsRequestId })
      .end(JSON.stringify({ errorType: error.name, errorMessage: error.message }));
  } finally {
    deadline.abort();
  }
}

/** @param {import('node:http').IncomingMessage} request @returns {Promise<unknown>} */
async function read(request) {
  /** @type {Buffer[]} */
  const chunks = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > maxEventBytes) throw new Error('event too large');
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString());
}

import http from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Refusal {
  readonly status: number;
  readonly type: string;
}

export interface FakeRedshiftServerless {
  readonly endpoint: string;
  /** Bodies of GetCredentials, in order. */
  readonly asked: readonly unknown[];
  /** What the next calls answer: a refusal, or how long a login lives. */
  answer: Refusal | { readonly livesMs: number };
  close(): Promise<void>;
}

const workgroupArn = 'arn:aws:redshift-serverless:eu-west-1:123456789012:workgroup/0a1b2c3d-0000-0000-0000-000000000000';

/**
 * FAKE of the calls that we make of Redshift Serverless: GetCredentials and GetWorkgroup as its API reference and the SDK's model have
 * them (AWS JSON 1.1, target `RedshiftServerless.GetCredentials`; `expiration` in epoch seconds; errors named in `__type`). `createUser` makes the user that
 * Redshift itself would make at its first login.
 */
export async function startFakeRedshiftServerless(
  createUser: (user: string, password: string) => Promise<void>,
): Promise<FakeRedshiftServerless> {
  const asked: unknown[] = [];
  const server = http.createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const send = (status: number, body: object): void => {
        response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body));
      };
      const { answer } = fake;
      const operation = String(request.headers['x-amz-target']).replace('RedshiftServerless.', '');
      if (operation === 'GetCredentials') asked.push(JSON.parse(Buffer.concat(chunks).toString('utf8')));
      else if (operation !== 'GetWorkgroup') return send(400, { __type: 'UnknownOperationException' });
      else if (!('type' in answer)) return send(200, { workgroup: { workgroupArn } });
      if ('type' in answer) return send(answer.status, { __type: answer.type, message: 'as the test wants it' });
      const dbUser = 'IAMR:loader';
      const dbPassword = `secret-${asked.length}`;
      await createUser(dbUser, dbPassword);
      send(200, { dbUser, dbPassword, expiration: (Date.now() + answer.livesMs) / 1_000 });
    })();
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const fake: FakeRedshiftServerless = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    answer: { livesMs: 3_600_000 },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return fake;
}

import { dynamoClient } from '../lib/process/aws.ts';
import { loadConfig } from '../lib/process/config.ts';
import { lambdaHandler } from '../lib/process/lambda.ts';
import { Accounts } from './accounts.ts';
import { guardAccounts } from './guard.ts';
import { accountGuard } from './service.ts';

const config = loadConfig(accountGuard.config, process.env);
const now = Date.now;
const accounts = new Accounts({ dynamo: dynamoClient(config), table: config.ACCOUNTS_TABLE, now });

export const handler = lambdaHandler({
  service: accountGuard.name,
  logLevel: config.LOG_LEVEL,
  run: (event, invocation) =>
    guardAccounts(event, { accounts, lockMs: config.LOCK_DURATION, lockOnWarming: config.LOCK_ON_WARMING, now }, invocation),
});

import type { TopicDefinition } from '../process/service.ts';

/** From the detector to whoever acts on alerts: the mail to the fraud team, account-guard. */
export const fraudAlerts: TopicDefinition = {
  name: 'fraud-alerts',
  configKey: 'ALERTS_TOPIC_ARN',
  summary: 'one message per alert, at least once; subscribers drop a repeated alertId',
};

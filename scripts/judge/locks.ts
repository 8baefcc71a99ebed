import { alertIdOf, type Evidence, type Failures } from './evidence.ts';

/**
 * Every account that a published alert asked to lock was locked by that very alert, and no other was. The number of accounts locked.
 * Alerts of a warming rule lock nothing (LOCK_ON_WARMING is not set in a local run).
 */
export function judgeLocks({ publishedAlerts, lockingAlerts }: Evidence, failures: Failures): number {
  const asked = new Map<string, string>();
  for (const published of publishedAlerts) {
    const alertId = alertIdOf(published);
    const { key, warming } = published.message as { key?: string; warming?: boolean };
    if (alertId !== undefined && published.attributes['action'] === 'lock' && warming !== true) asked.set(alertId, key ?? '');
  }
  const acted = new Map(lockingAlerts.map(({ alertId, userId }) => [alertId, userId]));
  for (const [alertId, user] of asked) {
    const locked = acted.get(alertId);
    if (locked === undefined) failures.add('alert asked for a lock that was not set', `alert ${alertId} of user ${user}`);
    else if (locked !== user) failures.add('account of another user locked', `alert ${alertId} of user ${user}: ${locked}`);
  }
  for (const { alertId, userId } of lockingAlerts) {
    if (!asked.has(alertId)) failures.add('account locked that no alert asked for', `user ${userId}, alert ${alertId}`);
  }
  return new Set(acted.values()).size;
}

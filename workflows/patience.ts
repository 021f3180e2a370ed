import { proxyActivities, proxyLocalActivities } from '@temporalio/workflow';

/**
 * Our own rows: short, frequent, safe to repeat. They answer with what stands, never with a refusal, and try for ever:
 * PostgreSQL being away for a while must not fail what a workflow accompanies.
 */
export const ownRows = <Activities>(summary: string) =>
  proxyLocalActivities<Activities>({
    summary,
    startToCloseTimeout: '3 seconds',
    retry: { initialInterval: '200 milliseconds', maximumInterval: '10 seconds' },
    localRetryThreshold: '3 seconds',
  });

/**
 * Other people's networks, where one quick try inside such a local activity has failed: patience in sight of the operators.
 * Two minutes: a push or a message that comes later helps nobody, and its back end should soon know.
 */
export const forTwoMinutes = <Activities>(summary: string) =>
  proxyActivities<Activities>({
    summary,
    startToCloseTimeout: '10 seconds',
    scheduleToCloseTimeout: '2 minutes',
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '20 seconds' },
  });

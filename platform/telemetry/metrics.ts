import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { ApprovalOutcome } from '../../domain/approval';
import type { CodeChannel } from '../../domain/code';

const MOST_ROUTES = 200;
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
const PREFIX = 'countersign_';

export type PushResult = 'sent' | 'failed' | 'muted';
export type CallbackResult = 'delivered' | 'failed';
/** `later`: tried again after a pause; `dead`: given up; `gone`: answered 410, and its endpoint disabled. */
export type WebhookResult = 'delivered' | 'later' | 'dead' | 'gone';

/** What the program counts. Labels are closed sets: no tenant, no person, no id, no URL. */
export interface Metrics {
  /** `route` is the template (/v1/approvals/:id), never the path that was asked for. */
  httpRequest(route: string, method: string, status: number, seconds: number): void;
  approvalDecided(outcome: ApprovalOutcome): void;
  pushAttempt(kind: string, result: PushResult): void;
  /** A text message, a call or an e-mail. */
  messageAttempt(channel: CodeChannel, result: 'sent' | 'failed'): void;
  callbackAttempt(result: CallbackResult): void;
  webhookAttempt(result: WebhookResult): void;
  /** Something that had gone missing was found again. */
  reconciled(kind: string): void;
  /** Reads the number of open connections whenever somebody scrapes. */
  watchPool(openConnections: () => number): void;
  /** Reads the number of long polls and streams that wait for a change whenever somebody scrapes. */
  watchWaiting(waiting: () => number): void;
  /** The page of GET /metrics. */
  page(): Promise<{ contentType: string; body: string }>;
}

/** Metrics with a registry of their own, so that a process (a test) can have many. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry, prefix: PREFIX });
  const http = new Histogram({
    name: `${PREFIX}http_request_seconds`,
    help: 'Time to answer HTTP requests (long polls included)',
    labelNames: ['route', 'method', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers,
  });
  const count = <L extends string>(name: string, help: string, labelNames: L[]): Counter<L> =>
    new Counter({ name: `${PREFIX}${name}_total`, help, labelNames, registers });
  const decided = count('approvals_decided', 'Approvals that got their outcome', ['outcome']);
  const pushes = count('push_attempts', 'Pushes handed to a push service', ['kind', 'result']);
  const messages = count('message_attempts', 'Text messages, calls and e-mails handed to a carrier', [
    'channel',
    'result',
  ]);
  const callbacks = count('callback_attempts', 'Callbacks sent to back ends', ['result']);
  const webhooks = count('webhook_attempts', 'Webhooks, and callbacks kept for later, sent to back ends', ['result']);
  const reconciled = count('reconciled', 'Things that had gone missing and were found again', ['kind']);
  const gauge = (name: string, help: string, read: () => number): void => {
    new Gauge({
      name: `${PREFIX}${name}`,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  };
  const routes = new Set<string>();

  return {
    httpRequest(route, method, status, seconds) {
      // Should somebody pass a path after all, it must not become a new series for each id.
      if (routes.size < MOST_ROUTES) routes.add(route);
      const labels = {
        route: routes.has(route) ? route : 'other',
        method: METHODS.has(method) ? method : 'other',
        status,
      };
      http.observe(labels, seconds);
    },
    approvalDecided: (outcome) => decided.inc({ outcome }),
    pushAttempt: (kind, result) => pushes.inc({ kind, result }),
    messageAttempt: (channel, result) => messages.inc({ channel, result }),
    callbackAttempt: (result) => callbacks.inc({ result }),
    webhookAttempt: (result) => webhooks.inc({ result }),
    reconciled: (kind) => reconciled.inc({ kind }),
    watchPool: (openConnections) => gauge('pool_connections', 'Open connections to PostgreSQL', openConnections),
    watchWaiting: (waiting) => gauge('waiting', 'Long polls and streams that wait for a change', waiting),
    page: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
  };
}

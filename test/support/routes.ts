import { randomUUID } from 'node:crypto';
import type { Route } from '../../contracts/route';
import { ROUTES } from '../../contracts/routes';
import { asTenant, send } from './http';
import type { RawReply } from './http';
import { addUser } from './phone';
import type { TestUser } from './phone';
import type { TestProgram } from './program';
import { ask, currentNonce, newToken, proveCall, registration, signAnswer } from './signing';

export const nameOf = (route: Route): string => `${route.method.toUpperCase()} ${route.path}`;

/** Served as they are: nothing of the request is read there. */
const WITHOUT_INPUT = ['/install', '/metrics', '/v1/openapi.json'];

/** Every route that reads something of its request. */
export const READING_ROUTES = ROUTES.filter((route) => !WITHOUT_INPUT.includes(route.path));

/** What a test changes about a call that would otherwise be good. */
export interface Change {
  path?: string;
  query?: string;
  /** Undefined is no body; without this member the body is the good one. */
  body?: Buffer | string | undefined;
  headers?: Record<string, string | string[]>;
}

export interface RouteCalls {
  user: TestUser;
  ids: {
    userId: string;
    deviceId: string;
    approvalId: string;
    webhookId: string;
    onboardingId: string;
    method: string;
  };
  goodBody(route: Route): object | undefined;
  /** A good call of the route, but for the change; proved as the route's caller proves. */
  call(route: Route, change?: Change): Promise<RawReply>;
}

/** Somebody who could call every route successfully. */
export async function createRouteCalls(program: TestProgram): Promise<RouteCalls> {
  const user = await addUser(program);
  const phone = user.devices[0]!;
  const approval = await ask(program, user, { push: 'none' });
  const nonce = await currentNonce(program);
  const webhook = await send(program, {
    method: 'POST',
    path: '/v1/webhooks',
    headers: asTenant(program),
    body: JSON.stringify({ url: 'http://127.0.0.1:9/', eventTypes: ['webhook_disabled'] }),
  });
  const { id: webhookId } = JSON.parse(webhook.text) as { id: string };
  const { body: onboarding } = await program.call('POST', `/v1/users/${user.id}/onboardings`, {});
  const onboardingId = onboarding.id as string;
  const ids = { userId: user.id, deviceId: phone.id, approvalId: approval.id, webhookId, onboardingId, method: 'totp' };
  const bodies: Record<string, object> = {
    'POST /v1/approvals': { userId: user.id, title: 'Log in' },
    'POST /v1/users': { externalId: randomUUID() },
    'POST /v1/device/registrations': await registration(await newToken(program, user.id)),
    'POST /v1/device/approvals/:approvalId/answer': {
      answer: await signAnswer(program, phone, approval, 'approved'),
    },
    'PUT /v1/device/push-target': { kind: 'none' },
    'POST /v1/users/:userId/onboardings': {},
    'POST /v1/onboardings/:onboardingId/method': { method: 'totp' },
    'POST /v1/onboardings/:onboardingId/code': { code: '123456' },
    'POST /v1/device/install-links': { secret: 'il_none' },
    'POST /v1/device/account-tokens': { jwt: 'a.b.c' },
    'POST /v1/users/:userId/codes': { channel: 'sms' },
    'POST /v1/users/:userId/codes/check': { code: '123456' },
    'POST /v1/users/:userId/totp/check': { code: '123456' },
    'POST /v1/webhooks': { url: 'http://127.0.0.1:9/' },
    'PUT /v1/webhooks/:webhookId': { description: '' },
    'POST /v1/webhooks/:webhookId/rotate': {},
    'POST /v1/webhooks/:webhookId/redeliver': { deliveryId: 'none' },
  };
  const goodBody = (route: Route) => bodies[nameOf(route)];

  return {
    user,
    ids,
    goodBody,
    async call(route, change = {}) {
      const path = change.path ?? fillIn(route.path, ids);
      const good = goodBody(route);
      const body = 'body' in change ? change.body : good && JSON.stringify(good);
      const headers: Record<string, string | string[]> = {};
      if (route.caller === 'tenant') Object.assign(headers, asTenant(program));
      else if (body !== undefined) headers['content-type'] = 'application/json';
      if (route.caller === 'device') {
        const method = route.method.toUpperCase();
        headers['dpop'] = await proveCall(program, phone, { method, path, ...bytesOf(body) }, { claims: { nonce } });
      }
      return send(program, {
        method: route.method.toUpperCase(),
        path: path + (change.query ?? ''),
        headers: without({ ...headers, ...change.headers }),
        ...(body === undefined ? {} : { body }),
      });
    },
  };
}

const bytesOf = (body: Buffer | string | undefined) => (body === undefined ? {} : { body });

/** An empty list stands for a header that is left out. */
const without = (headers: Record<string, string | string[]>) =>
  Object.fromEntries(Object.entries(headers).filter(([, value]) => !Array.isArray(value) || value.length > 0));

/** A path with its parameters in place. */
export const fillIn = (path: string, ids: Record<string, string>): string =>
  path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(ids[name] ?? randomUUID()));

/** What a path has parameters for. */
export const paramsOf = (route: Route): string[] => [...route.path.matchAll(/:(\w+)/g)].map(([, name]) => name!);

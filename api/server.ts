import type { PayloadCodec } from '@temporalio/common';
import express from 'express';
import type { Express, Router } from 'express';
import helmet from 'helmet';
import type { Logger } from 'pino';
import type { Pool } from 'pg';
import { getMetrics, getOpenApi } from '../contracts/system';
import { DomainError } from '../domain/errors';
import type { Metrics } from '../platform/telemetry/metrics';
import type { Services } from '../services/services';
import { authyErrors, collapseSlashes } from './authy/reply';
import { authyRoutes } from './authy/routes';
import { collectBody } from './body';
import { createCallers } from './callers';
import { codecRoutes } from './codec';
import { approvalRoutes } from './native/approvals';
import { codeRoutes } from './native/codes';
import { deviceRoutes } from './native/device';
import { eventRoutes } from './native/events';
import { onboardingRoutes } from './native/onboardings';
import { systemRoutes } from './native/system';
import { userRoutes } from './native/users';
import { webhookRoutes } from './native/webhooks';
import { openApiDocument } from './openapi';
import { problems } from './problem';
import { knownHostsOnly, observed } from './requests';
import type { UnderWay } from './underWay';

export interface ServerDeps {
  services: Services;
  pool: Pool;
  logger: Logger;
  metrics: Metrics;
  version: string;
  publicUrls: () => readonly string[];
  temporalIsUp: () => boolean;
  underWay: UnderWay;
  simulator: boolean;
  /** Without it only health, metrics and keys are served: a worker has probes too. */
  withApi: boolean;
  /** The decode-only endpoint for the Temporal UI, where one is configured. */
  codec: { codec: PayloadCodec; uiOrigin: string } | undefined;
}

/** The HTTP side of the product. */
export function createServer(deps: ServerDeps): Express {
  const { services, logger, metrics, underWay, publicUrls, codec } = deps;
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');
  app.use(helmet());
  app.use(collapseSlashes());
  app.use(underWay.note);
  app.use(...observed(logger, metrics));
  app.use(collectBody());
  if (codec) app.use(codecRoutes(codec.codec, codec.uiOrigin));
  app.use(knownHostsOnly(publicUrls));
  app.use((_req, res, next) => {
    res.setHeader('cache-control', 'no-store');
    next();
  });

  const router = express.Router({ caseSensitive: true, strict: true });
  const callers = createCallers({ ...services, publicUrls });
  const mounted = { ...services, callers, underWay };
  if (deps.withApi) {
    approvalRoutes(router, mounted);
    userRoutes(router, mounted);
    codeRoutes(router, mounted);
    deviceRoutes(router, mounted);
    onboardingRoutes(router, mounted);
    webhookRoutes(router, mounted);
    eventRoutes(router, mounted);
    app.use(authyRoutes(services, underWay, publicUrls));
  }
  systemRoutes(router, { ...deps, ...mounted, draining: underWay.draining });
  const page = openApiDocument(deps.version);
  router.get(getOpenApi.path, (_req, res) => void res.json(page));
  router.get(getMetrics.path, async (_req, res) => {
    const { contentType, body } = await metrics.page();
    res.type(contentType).send(body);
  });
  // Inside the router, which would otherwise answer OPTIONS by itself.
  router.use((req, res, next) => {
    const allowed = methodsOf(router, req.path);
    if (allowed.length === 0) return next(new DomainError('route_not_found'));
    res.setHeader('allow', allowed.join(', '));
    next(new DomainError('method_not_allowed'));
  });
  app.use(router);
  app.use(authyErrors(logger));
  app.use(problems(logger));
  return app;
}

/** The methods that a path has here, for the reply to a wrong one. */
function methodsOf(router: Router, path: string): string[] {
  const fits = (template: string) => new RegExp(`^${template.replace(/:\w+/g, '[^/]+')}$`).test(path);
  const methods = router.stack.flatMap(({ route }) =>
    route && fits(route.path) ? route.stack.map(({ method }) => method.toUpperCase()) : [],
  );
  return [...new Set(methods)];
}

import express from 'express';
import type { Router } from 'express';
import type { Services } from '../../services/services';
import type { UnderWay } from '../underWay';
import { appRoutes } from './app';
import { codeRoutes } from './codes';
import { dashboardRoutes } from './dashboard';
import { deviceRoutes } from './devices';
import { authyMounting, notFound } from './mount';
import { oneTouchRoutes } from './oneTouch';
import { phoneRoutes } from './phones';
import { registrationRoutes } from './registrations';
import { reportingRoutes } from './reporting';
import { secretRoutes } from './secrets';
import { createSignatures } from './signatures';
import { userRoutes } from './users';
import { webhookRoutes } from './webhooks';

/** The dialect of the Authy API: all of `/protected`, `/onetouch` and `/dashboard`, and one call of `/2010-04-01`. */
export function authyRoutes(services: Services, underWay: UnderWay, publicUrls: () => readonly string[]): Router {
  const router = express.Router({ caseSensitive: true });
  const proveSigned = createSignatures({ ...services, publicUrls });
  const mounting = authyMounting(router, { ...services, underWay, proveSigned });
  appRoutes(mounting, services);
  userRoutes(mounting, services);
  registrationRoutes(mounting, services);
  codeRoutes(mounting, services);
  secretRoutes(router, mounting, { ...services, publicUrls });
  phoneRoutes(mounting, services);
  oneTouchRoutes(mounting, services);
  deviceRoutes(mounting, services);
  webhookRoutes(mounting, services);
  dashboardRoutes(mounting, services);
  reportingRoutes(mounting, services);
  router.use(['/protected', '/onetouch', '/dashboard', '/2010-04-01'], () => {
    throw notFound();
  });
  return router;
}

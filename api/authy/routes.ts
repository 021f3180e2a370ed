import express from 'express';
import type { Router } from 'express';
import type { Services } from '../../services/services';
import type { UnderWay } from '../underWay';
import { appRoutes } from './app';
import { authyMounting, notFound } from './mount';
import { createSignatures } from './signatures';

/** The dialect of the Authy API: all of `/protected`, `/onetouch` and `/dashboard`. */
export function authyRoutes(services: Services, underWay: UnderWay): Router {
  const router = express.Router({ caseSensitive: true });
  const mounting = authyMounting(router, { ...services, underWay, proveSigned: createSignatures() });
  appRoutes(mounting);
  router.use(['/protected', '/onetouch', '/dashboard'], () => {
    throw notFound();
  });
  return router;
}

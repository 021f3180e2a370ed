import type { Router } from 'express';
import * as contract from '../../contracts/events';
import { MEDIA_TYPES } from '../../services/eventFiles';
import type { Events } from '../../services/events';
import { mounting } from '../mount';
import type { MountDeps } from '../mount';

/** All that happened, as a file. */
export function eventRoutes(router: Router, { events, ...deps }: MountDeps & { events: Events }): void {
  const { file } = mounting(router, deps);

  file(contract.exportEvents, ({ tenant, query: { format, after = '0', since, until, header }, gone }) => ({
    contentType: MEDIA_TYPES[format],
    name: `events.${format}`,
    parts: events.export(tenant.id, {
      format,
      header: header === 'present',
      after,
      ...(since !== undefined && { since: new Date(since) }),
      ...(until !== undefined && { until: new Date(until) }),
      stopping: gone,
    }),
  }));
}

import type { EventView } from '../contracts/webhooks';
import type { RecordedEvent } from '../db/events';
import { toCsvRow } from './csv';
import { toEventView } from './views';

export const FILE_FORMATS = ['ndjson', 'csv'] as const;
export type FileFormat = (typeof FILE_FORMATS)[number];

export const MEDIA_TYPES: Record<FileFormat, string> = {
  ndjson: 'application/x-ndjson',
  csv: 'text/csv; charset=utf-8',
};

const IDS = ['userId', 'deviceId', 'approvalId', 'onboardingId'] as const;
const COLUMNS = ['id', 'type', 'timestamp', ...IDS, 'data'];

/** Events as the lines of a file. The header is that of CSV; a file that goes on has one already. */
export const FILES: Record<FileFormat, { header: string; line: (event: RecordedEvent) => string }> = {
  ndjson: { header: '', line: (event) => `${JSON.stringify(toEventView(event))}\n` },
  csv: { header: toCsvRow(COLUMNS), line: (event) => toCsvRow(toCells(toEventView(event))) },
};

/** The ids in columns of their own, what else is told as JSON: types of events come, and columns stay. */
function toCells({ id, type, timestamp, data }: EventView): string[] {
  const more = Object.entries(data).filter(([name]) => !(IDS as readonly string[]).includes(name));
  const ids = IDS.map((name) => String(data[name] ?? ''));
  return [id, type, timestamp, ...ids, more.length === 0 ? '' : JSON.stringify(Object.fromEntries(more))];
}

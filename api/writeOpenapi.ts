import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { VERSION } from '../platform/version';
import { openApiDocument } from './openapi';

// `npm run openapi`: what the server answers at /v1/openapi.json, as a file for those who have no server yet.
const folder = join(__dirname, '..', 'docs');
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'openapi.json'), `${JSON.stringify(openApiDocument(VERSION), undefined, 2)}\n`);

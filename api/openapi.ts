import { z } from 'zod';
import { CallbackBody } from '../contracts/approvals';
import { AnswerPayload, ProofPayload, RegistrationPayload, Shown } from '../contracts/device';
import type { Route } from '../contracts/route';
import { ROUTES } from '../contracts/routes';
import { Problem } from '../contracts/system';
import { httpStatus } from '../domain/errors';
import type { ErrorCode } from '../domain/errors';

type Json = Record<string, unknown>;

type SchemaOf = (shape: z.ZodType, io?: 'input' | 'output') => Json;

/** Where schemas with a name of their own are put, once each; everything else stands where it is used. */
function collecting(named: Record<string, unknown>): SchemaOf {
  return (shape, io = 'output') => {
    const made = z.toJSONSchema(shape, {
      io,
      unrepresentable: 'any',
      override: ({ jsonSchema }) => simplify(jsonSchema),
    });
    const text = JSON.stringify(made).replaceAll('"#/$defs/', '"#/components/schemas/');
    const { $schema: _, $defs = {}, ...schema } = JSON.parse(text) as Json & { $defs?: Json };
    Object.assign(named, $defs);
    return schema;
  };
}

/** The format says it already; the pattern of an instant, leap years and all, helps nobody. */
function simplify(schema: Json): void {
  if (['uuid', 'date-time'].includes(String(schema['format']))) delete schema['pattern'];
  if (schema['minimum'] === Number.MIN_SAFE_INTEGER) delete schema['minimum'];
  if (schema['maximum'] === Number.MAX_SAFE_INTEGER) delete schema['maximum'];
  delete schema['id']; // the name, which is the key by which it is found
}

/** What any call of a kind of caller may be refused for. */
const USUAL: Record<Route['caller'], readonly ErrorCode[]> = {
  tenant: ['unauthorized', 'scope_missing', 'temporarily_unavailable'],
  device: ['device_unauthorized', 'nonce_required', 'proof_reused', 'temporarily_unavailable'],
  anybody: ['too_many_requests', 'temporarily_unavailable'],
};

/** What any call with a body may be refused for. */
const USUAL_WITH_BODY: readonly ErrorCode[] = [
  'invalid_json',
  'duplicate_key',
  'unsupported_media_type',
  'body_too_large',
];

/** The OpenAPI 3.1 page of the native API, generated from the contracts: the same routes as the server's, by construction. */
export function openApiDocument(version: string): Json {
  const named: Record<string, unknown> = {};
  const schemaOf = collecting(named);
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of ROUTES) {
    const path = route.path.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method]: operation(route, schemaOf) };
  }
  // What travels inside signatures, and in callbacks, belongs to no route.
  for (const shape of [Problem, Shown, AnswerPayload, RegistrationPayload, ProofPayload, CallbackBody]) schemaOf(shape);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Countersign',
      version,
      description: 'Approvals on people’s own devices that cannot be lost, cannot be doubled and can be proved.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    paths,
    components: {
      securitySchemes: {
        tenant: {
          type: 'http',
          scheme: 'bearer',
          description: 'an API key, ck_…; with a list of scopes it may call only the routes that name one of them',
        },
        device: {
          type: 'apiKey',
          in: 'header',
          name: 'DPoP',
          description: 'a compact JWS (ES256, typ dpop+jwt, kid the device) of the schema ProofPayload',
        },
      },
      schemas: Object.fromEntries(Object.entries(named).sort(([a], [b]) => (a < b ? -1 : 1))),
    },
  };
}

function operation(route: Route, schemaOf: SchemaOf): Json {
  const media = route.file ?? [route.stream ? 'text/event-stream' : route.text ? 'text/plain' : 'application/json'];
  const schema = schemaOf(route.reply);
  const content = route.status === 204 ? {} : { content: Object.fromEntries(media.map((type) => [type, { schema }])) };
  const hasBody =
    Object.keys(schemaOf(route.body, 'input')['properties'] ?? {}).length > 0 || 'oneOf' in schemaOf(route.body);
  return {
    summary: route.summary,
    ...(route.caller === 'anybody'
      ? {}
      : { security: [{ [route.caller]: route.scope === undefined ? [] : [route.scope] }] }),
    parameters: [
      ...parameters(schemaOf(route.params, 'input'), 'path'),
      ...parameters(schemaOf(route.query, 'input'), 'query'),
      ...(route.idempotent ? [IDEMPOTENCY_KEY] : []),
    ],
    ...(hasBody
      ? { requestBody: { required: true, content: { 'application/json': { schema: schemaOf(route.body, 'input') } } } }
      : {}),
    responses: { [route.status]: { description: 'Success', ...content }, ...refusals(route, hasBody) },
  };
}

const IDEMPOTENCY_KEY: Json = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'the same key with the same body gets the same reply, for 48 hours',
  schema: { type: 'string', minLength: 1, maxLength: 128 },
};

function parameters(schema: Json, place: 'path' | 'query'): Json[] {
  const { properties = {}, required = [] } = schema as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    schema,
  }));
}

/** Codes that share a status share one entry. */
function refusals(route: Route, hasBody: boolean): Record<string, Json> {
  const codes = [
    ...USUAL[route.caller],
    'invalid_request' as const,
    ...(hasBody ? USUAL_WITH_BODY : []),
    ...route.refusals,
  ];
  if (route.idempotent) codes.push('idempotency_key_reused');
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of new Set(codes)) byStatus.set(httpStatus(code), [...(byStatus.get(httpStatus(code)) ?? []), code]);
  return Object.fromEntries(
    [...byStatus].map(([status, same]) => [
      String(status),
      {
        description: same.join(', '),
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    ]),
  );
}

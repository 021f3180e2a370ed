import { z } from 'zod';
import { CallbackBody } from '../contracts/approvals';
import { AnswerPayload, ProofPayload, RegistrationPayload, Shown } from '../contracts/device';
import type { Route } from '../contracts/route';
import { ROUTES } from '../contracts/routes';
import { Problem } from '../contracts/system';
import { httpStatus } from '../domain/errors';
import type { ErrorCode } from '../domain/errors';

type Json = Record<string, unknown>;

const schemaOf = (shape: z.ZodType, io: 'input' | 'output' = 'output'): Json => {
  const { $schema: _, ...schema } = z.toJSONSchema(shape, { io, unrepresentable: 'any' });
  return schema;
};

/** What any call of a kind of caller may be refused for. */
const USUAL: Record<Route['caller'], readonly ErrorCode[]> = {
  tenant: ['unauthorized'],
  device: ['device_unauthorized', 'nonce_required', 'proof_reused'],
  anybody: ['too_many_requests'],
};

/** The OpenAPI 3.1 page of the native API, generated from the contracts: the same routes as the server's, by construction. */
export function openApiDocument(version: string): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of ROUTES) {
    const path = route.path.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method]: operation(route) };
  }
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
        tenant: { type: 'http', scheme: 'bearer', description: 'an API key, ck_…' },
        device: {
          type: 'apiKey',
          in: 'header',
          name: 'DPoP',
          description: 'a compact JWS (ES256, typ dpop+jwt, kid the device) of the schema ProofPayload',
        },
      },
      schemas: Object.fromEntries(
        Object.entries({ Problem, Shown, AnswerPayload, RegistrationPayload, ProofPayload, CallbackBody }).map(
          ([name, shape]) => [name, schemaOf(shape)],
        ),
      ),
    },
  };
}

function operation(route: Route): Json {
  const media = route.stream ? 'text/event-stream' : 'application/json';
  const content = route.status === 204 ? {} : { content: { [media]: { schema: schemaOf(route.reply) } } };
  const hasBody =
    Object.keys(schemaOf(route.body, 'input')['properties'] ?? {}).length > 0 || 'oneOf' in schemaOf(route.body);
  return {
    summary: route.summary,
    ...(route.caller === 'anybody' ? {} : { security: [{ [route.caller]: [] }] }),
    parameters: [
      ...parameters(route.params, 'path'),
      ...parameters(route.query, 'query'),
      ...(route.idempotent ? [IDEMPOTENCY_KEY] : []),
    ],
    ...(hasBody
      ? { requestBody: { required: true, content: { 'application/json': { schema: schemaOf(route.body, 'input') } } } }
      : {}),
    responses: { [route.status]: { description: 'Success', ...content }, ...refusals(route) },
  };
}

const IDEMPOTENCY_KEY: Json = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'the same key with the same body gets the same reply, for 48 hours',
  schema: { type: 'string', minLength: 1, maxLength: 128 },
};

function parameters(shape: z.ZodType, place: 'path' | 'query'): Json[] {
  const { properties = {}, required = [] } = schemaOf(shape, 'input') as {
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
function refusals(route: Route): Record<string, Json> {
  const codes = [...USUAL[route.caller], 'invalid_request' as const, ...route.refusals];
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

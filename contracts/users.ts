import { z } from 'zod';
import { defineRoute } from './route';
import { cursor, externalId, id, instant, noReply, nothing, pageSize, publicJwk } from './shapes';

export const UserView = z
  .strictObject({
    id: z.uuid(),
    authyId: z.int().describe('the integer by which the Authy dialect knows this user'),
    externalId: z.string().nullable(),
    phone: z.string().nullable().describe('E.164'),
    email: z.string().nullable(),
    createdAt: instant,
  })
  .meta({ id: 'User' });
export type UserView = z.output<typeof UserView>;

export const DeviceView = z
  .strictObject({
    id: z.uuid(),
    userId: z.uuid(),
    name: z.string(),
    platform: z.string(),
    publicJwk,
    createdAt: instant,
  })
  .meta({ id: 'Device' });
export type DeviceView = z.output<typeof DeviceView>;

const userParams = z.strictObject({ userId: id });

export const createUser = defineRoute({
  method: 'post',
  path: '/v1/users',
  summary: 'Add a user; a known externalId answers the user it has',
  caller: 'tenant',
  scope: 'users:write',
  params: nothing,
  query: nothing,
  body: z
    .strictObject({
      externalId: externalId.optional().describe('your own id; it decides who the user is'),
      phone: z.string().min(5).max(32).optional().describe('in international form, +41 44 668 18 00'),
      email: z.email().max(254).optional(),
    })
    .refine((user) => user.externalId !== undefined || user.phone !== undefined, {
      path: ['externalId'],
      message: 'give externalId or phone',
    }),
  reply: UserView,
  status: 201,
  idempotent: true,
  refusals: ['phone_invalid', 'phone_in_use', 'phone_differs'],
});

export const getUser = defineRoute({
  method: 'get',
  path: '/v1/users/:userId',
  summary: 'One user',
  caller: 'tenant',
  scope: 'users:read',
  params: userParams,
  query: nothing,
  body: nothing,
  reply: UserView,
  status: 200,
  refusals: ['user_not_found'],
});

export const listUsers = defineRoute({
  method: 'get',
  path: '/v1/users',
  summary: 'Users, newest first; or the one with an externalId or a phone',
  caller: 'tenant',
  scope: 'users:read',
  params: nothing,
  query: z.strictObject({
    externalId: externalId.optional(),
    phone: z.string().min(5).max(32).optional(),
    limit: pageSize,
    cursor,
  }),
  body: nothing,
  reply: z.strictObject({ users: z.array(UserView), nextCursor: z.string().nullable() }),
  status: 200,
  refusals: ['phone_invalid'],
});

export const removeUser = defineRoute({
  method: 'delete',
  path: '/v1/users/:userId',
  summary: 'Remove a user and all devices; open approvals are cancelled',
  caller: 'tenant',
  scope: 'users:write',
  params: userParams,
  query: nothing,
  body: nothing,
  reply: noReply,
  status: 204,
  refusals: ['user_not_found'],
});

export const createRegistrationToken = defineRoute({
  method: 'post',
  path: '/v1/users/:userId/registration-tokens',
  summary: 'A token with which one device may register within ten minutes',
  caller: 'tenant',
  scope: 'users:write',
  params: userParams,
  query: nothing,
  body: nothing,
  reply: z.strictObject({ registrationToken: z.string(), expiresAt: instant }),
  status: 201,
  idempotent: true,
  refusals: ['user_not_found'],
});

export const listDevices = defineRoute({
  method: 'get',
  path: '/v1/users/:userId/devices',
  summary: 'The devices of a user, oldest first',
  caller: 'tenant',
  scope: 'users:read',
  params: userParams,
  query: nothing,
  body: nothing,
  reply: z.strictObject({ devices: z.array(DeviceView) }),
  status: 200,
  refusals: ['user_not_found'],
});

export const removeDevice = defineRoute({
  method: 'delete',
  path: '/v1/users/:userId/devices/:deviceId',
  summary: 'Remove a device; nothing that it signs afterwards counts',
  caller: 'tenant',
  scope: 'users:write',
  params: z.strictObject({ userId: id, deviceId: id }),
  query: nothing,
  body: nothing,
  reply: noReply,
  status: 204,
  refusals: ['user_not_found', 'device_not_found'],
});

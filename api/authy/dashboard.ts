import type { Branding } from '../../db/brandings';
import type { User } from '../../db/users';
import { toColor, whyNoLogo } from '../../domain/branding';
import type { CodeChannel } from '../../domain/code';
import type { Applications } from '../../services/applications';
import { accountSidOf } from '../../services/authyEvents';
import type { Users } from '../../services/users';
import { toAppDetails } from './app';
import type { AuthyCall, AuthyMounting } from './mount';
import { maskedNumber } from './phoneNumbers';
import type { Parameters } from './parameters';
import { AuthyRefusal, invalidParameter } from './refusals';

/** As the console of Authy had it. */
const MOST_NAME_CHARACTERS = 30;

const MOST_KEY_CHARACTERS = 200;

const APPLICATION = '/dashboard/:format/application';

export interface DashboardDeps {
  applications: Applications;
  users: Pick<Users, 'list'>;
  codeChannels: ReadonlySet<CodeChannel>;
}

/** What a back end sees and changes of its own application. Their replies were never published: these shapes are ours. */
export function dashboardRoutes(
  { signed, ofNobody }: Pick<AuthyMounting, 'signed' | 'ofNobody'>,
  { applications, users, codeChannels }: DashboardDeps,
): void {
  // Clients send the phone number and e-mail address of a person too. Nobody owns a tenant here: they are not kept.
  ofNobody('post', '/dashboard/:format/applications', async ({ parameters }) => {
    const key = parameters.text('integration_api_key', MOST_KEY_CHARACTERS) ?? '';
    if (!applications.mayCreate(key)) throw new AuthyRefusal(60001);
    const made = await applications.create(readName(parameters));
    if (!made) throw new AuthyRefusal(60070, { fields: { name: 'belongs to another application' } });
    return {
      application: {
        ...toAppDetails(made.tenant, codeChannels),
        account_sid: accountSidOf(made.tenant.id),
        api_key: made.authyApiKey,
        app_api_key: made.appApiKey,
        access_key: made.accessKey,
        api_signing_key: made.apiSigningKey,
        countersign_api_key: made.apiKey,
      },
      message: 'Application was created.',
    };
  });

  signed('get', `${APPLICATION}/details`, ({ tenant }) => ({
    app: { ...toAppDetails(tenant, codeChannels), account_sid: accountSidOf(tenant.id) },
    message: 'Application information.',
  }));

  signed('post', `${APPLICATION}/update`, async ({ tenant, parameters }) => {
    const name = readName(parameters);
    if (!(await applications.rename(tenant.id, name))) throw invalidParameter('name', 'belongs to another application');
    return { app: toAppDetails({ ...tenant, name }, codeChannels), message: 'Application was updated.' };
  });

  signed('get', `${APPLICATION}/ui_settings`, async ({ tenant }) => ({
    ui_settings: toUiSettings(await applications.findBranding(tenant.id)),
    message: 'UI settings.',
  }));

  signed('post', `${APPLICATION}/ui_settings/update`, async ({ tenant, parameters }) => {
    const backgroundColor = toColor(parameters.requiredText('background_color'));
    if (backgroundColor === undefined) throw invalidParameter('background_color', 'is not a colour like #ff0000');
    const branding = await applications.setBranding(tenant.id, { backgroundColor });
    return { ui_settings: toUiSettings(branding), message: 'UI settings were updated.' };
  });

  signed('get', `${APPLICATION}/assets`, async ({ tenant }) => ({
    assets: toAssets(await applications.findBranding(tenant.id)),
    message: 'Assets.',
  }));

  signed('post', `${APPLICATION}/assets/update`, async ({ tenant, files }) => {
    const mainLogo = readLogo(files, 'main_logo');
    const sidebarLogo = readLogo(files, 'sidebar_logo');
    if (!mainLogo && !sidebarLogo) throw invalidParameter('main_logo', 'is missing');
    const change = { ...(mainLogo && { mainLogo }), ...(sidebarLogo && { sidebarLogo }) };
    return { assets: toAssets(await applications.setBranding(tenant.id, change)), message: 'Assets were updated.' };
  });

  signed('get', `${APPLICATION}/users`, async ({ tenant, parameters }) => {
    const limit = parameters.integer('per_page', { least: 1, most: 100 }) ?? 50;
    const cursor = parameters.text('cursor');
    const { entries, nextCursor } = await users.list(tenant.id, { limit, cursor });
    return { users: entries.map(toUser), next_cursor: nextCursor, message: 'Users.' };
  });

  signed('get', `${APPLICATION}/access_keys`, async ({ tenant }) => ({
    access_keys: (await applications.listAccessKeys(tenant.id)).map(({ key, createdAtMs }) => ({
      // Enough to tell them apart: who holds one of them is not to learn the others.
      access_key: `${key.slice(0, 4)}…`,
      creation_date: new Date(createdAtMs).toISOString(),
    })),
    message: 'Access keys.',
  }));
}

function readName(parameters: Parameters): string {
  const name = parameters.requiredText('name', MOST_NAME_CHARACTERS).trim();
  if (name === '' || /\p{Cc}/u.test(name)) throw invalidParameter('name', 'is not a name');
  return name;
}

const toUser = ({ authyId, email, phone, createdAtMs }: User) => ({
  id: authyId,
  email,
  phone_number: phone && maskedNumber(phone),
  creation_date: new Date(createdAtMs).toISOString(),
});

function readLogo(files: AuthyCall['files'], name: string): Buffer | undefined {
  const bytes = files.get(name);
  const fault = bytes && whyNoLogo(bytes);
  if (fault !== undefined) throw invalidParameter(name, fault);
  return bytes;
}

const toUiSettings = ({ backgroundColor }: Branding) => ({ background_color: backgroundColor });

/** The images themselves: nobody has to fetch them from anywhere. */
const toAssets = ({ mainLogo, sidebarLogo }: Branding) => ({
  main_logo: toDataUrl(mainLogo),
  sidebar_logo: toDataUrl(sidebarLogo),
});

const toDataUrl = (png: Buffer | null) => png && `data:image/png;base64,${png.toString('base64')}`;

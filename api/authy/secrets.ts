import type { Router } from 'express';
import type { Services } from '../../services/services';
import { findUser } from './ids';
import { notFound } from './mount';
import type { AuthyMounting } from './mount';
import { invalidParameter, inWordsOf } from './refusals';

const SIZE = { least: 100, usual: 300, most: 1_000 } as const;

/** Secrets for other authenticator apps. The secret itself is told to nobody but the app that scans its QR code. */
export function secretRoutes(
  router: Router,
  { call }: Pick<AuthyMounting, 'call'>,
  {
    users,
    totpPictures,
    publicUrls,
  }: Pick<Services, 'users' | 'totpPictures'> & { publicUrls: () => readonly string[] },
): void {
  call('post', '/protected/:format/users/:id/secret', async ({ tenant, params, parameters }) => {
    const user = await findUser(users, tenant.id, params['id']);
    const size = parameters.integer('qr_size', SIZE) ?? SIZE.usual;
    const label = parameters.text('label', 100)?.trim();
    if (label !== undefined && /[\p{Cc}:]/u.test(label))
      throw invalidParameter('label', 'has a colon or a control character');
    const made = await totpPictures
      .create(tenant.id, user.id, { label: label === '' ? undefined : label, size })
      // Whoever saw the picture of a secret that counts could log in with it.
      .catch(inWordsOf({ method_enabled: 60122 }));
    const qrCode = `${publicUrls()[0]}/protected/qr/${made.token}.png`;
    return { message: 'Secret was created.', label: made.label, issuer: made.issuer, qr_code: qrCode };
  });

  router.get('/protected/qr/:token.png', async (req, res) => {
    const png = await totpPictures.draw(req.params.token);
    if (!png) throw notFound();
    // Pages of the tenant show it.
    res.setHeader('cross-origin-resource-policy', 'cross-origin');
    res.type('png').send(png);
  });
}

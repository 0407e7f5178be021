import { afterEach, expect, it } from '@jest/globals';
import { connect, createServer, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { TlsSecurity, type TlsScheme } from '../../../../src/transport/tcp/tls/tls-security.js';
import { TestAuthority } from '../../../support/certificates.js';
import { closeLinks, listen } from '../tcp-pairs.js';

afterEach(closeLinks);

it('a resumed session is refused, even where a scheme would let it pass', async () => {
  const { cert, key } = await (await TestAuthority.make()).issue({ names: ['localhost'] });
  const lax: TlsScheme = {
    revision: 0,
    connect: (socket) => connect({ socket }),
    createServer: () => createServer({ cert, key, maxVersion: 'TLSv1.2' }),
    examine: () => ({ description: 'anybody', isCurrent: true }),
    explain: () => undefined,
  };
  const { listener, acceptor } = await listen({ security: new TlsSecurity(lax) });
  const { port } = listener.address;
  const first = await connected({ port });
  const session = first.getSession();
  expect((await acceptor.nth(0)).link.credentials?.description).toBe('anybody');
  first.destroy();
  const second = await connected({ port, session });
  expect(second.isSessionReused()).toBe(true);
  const there = await acceptor.nth(1);
  await there.until(() => there.isClosed);
  second.destroy();
  expect(String(there.error)).toMatch(/it resumed an older TLS session/);
});

function connected(options: ConnectionOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', rejectUnauthorized: false, ...options }, () =>
      resolve(socket),
    );
    socket.on('error', reject);
  });
}

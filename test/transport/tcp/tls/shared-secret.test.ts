import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { constants, randomBytes } from 'node:crypto';
import type { AddressInfo, Server } from 'node:net';
import { connect, createServer, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { HandshakeError } from '../../../../src/errors.js';
import { Keyring } from '../../../../src/transport/tcp/tls/keyring.js';
import { keyOf, type Secret } from '../../../../src/transport/tcp/tls/secrets.js';
import { SharedSecret } from '../../../../src/transport/tcp/tls/shared-secret.js';
import { TlsSecurity, type MigrationStep } from '../../../../src/transport/tcp/tls/tls-security.js';
import { TestAuthority } from '../../../support/certificates.js';
import { EXAMPLES } from '../../session/frames.js';
import { closeHeldBack, HeldBack } from './held-back.js';
import { closeLinks, dial, links, listen } from '../tcp-pairs.js';

const CLUSTER = 'shop';
const secrets = [randomBytes(32), randomBytes(32)] as const;
const CIPHER = 'ECDHE-PSK-CHACHA20-POLY1305';
const servers: Server[] = [];

// What does not end is a failure, and should soon be one: all of this takes milliseconds.
jest.setTimeout(10_000);
afterEach(async () => {
  await closeLinks();
  await closeHeldBack();
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

describe('links under a shared secret', () => {
  it('carry frames both ways, and say under which key', async () => {
    const { listener, acceptor } = await listen({ security: await security(secrets[0]) });
    const here = (await dial(links({ security: await security(secrets[0]) }), listener.address)).link!;
    const there = await acceptor.nth(0);
    const { name } = await keyOf(secrets[0], CLUSTER);
    for (const end of [here, there]) {
      end.link.allowFrames(2 ** 20);
      end.link.established();
      expect(end.link.credentials).toMatchObject({ description: `key ${name}`, isCurrent: true });
    }
    for (const frame of Object.values(EXAMPLES)) for (const end of [here, there]) end.link.send(frame);
    await Promise.all([here, there].map((end) => end.until(() => end.frames.length === 12)));
    expect(there.frames).toEqual(Object.values(EXAMPLES));
    expect(here.frames).toEqual(Object.values(EXAMPLES));
  });

  it('are made with a passphrase, too, in one cluster and in no other', async () => {
    const secret = { passphrase: 'correct horse battery staple' };
    const { listener } = await listen({ security: await security(secret) });
    expect((await dial(links({ security: await security(secret) }), listener.address)).link).toBeDefined();
    const other = new Keyring('other');
    await other.replace([secret]);
    const { error } = await dial(
      links({ security: new TlsSecurity(new SharedSecret(other)) }),
      listener.address,
    );
    expect(String(error)).toMatch(/wrong secret/);
  });

  it('are refused to a wrong secret, and both sides say so', async () => {
    const { listener, acceptor } = await listen({ security: await security(secrets[0]) });
    const { failed, error } = await dial(links({ security: await security(secrets[1]) }), listener.address);
    expect(failed).toBe('silent');
    expect(error).toBeInstanceOf(HandshakeError);
    expect(String(error)).toMatch(/\(security\): wrong secret: it does not have the key [0-9a-f]{16}/);
    const there = await acceptor.nth(0);
    await there.until(() => there.calls.includes('closed'));
    expect(String(there.error)).toMatch(/wrong secret: it offers the key [0-9a-f]{16}, which this node/);
    expect(there.frames).toEqual([]);
  });

  it('are refused to a key of the right name that is another', async () => {
    const { listener, acceptor } = await listen({ security: await security(secrets[0]) });
    const { name } = await keyOf(secrets[0], CLUSTER);
    const code = await handshakeOf(listener.address.port, {
      ciphers: CIPHER,
      maxVersion: 'TLSv1.2',
      pskCallback: () => ({ psk: randomBytes(32), identity: name }),
    });
    expect(code).toMatch(/BAD_RECORD_MAC|DECRYPT/);
    const there = await acceptor.nth(0);
    await there.until(() => there.calls.includes('closed'));
    expect(String(there.error)).toMatch(/wrong secret: it offers the key .* and does not have it/);
  });
});

describe('a server without the key', () => {
  const NO_CIPHER = 'ERR_SSL_NO_SHARED_CIPHER';
  // Without the one cipher, the fixed version and the empty list of authorities, Node's client accepts it. What the server
  // sees tells that it is offered nothing that it could take, rather than refused by one of the other checks.
  it.each([
    ['TLS 1.2', NO_CIPHER, { maxVersion: 'TLSv1.2' }],
    ['TLS 1.3', 'ERR_SSL_UNSUPPORTED_PROTOCOL', { minVersion: 'TLSv1.3' }],
    [
      'TLS 1.2, and the cipher of shared keys as well',
      NO_CIPHER,
      { maxVersion: 'TLSv1.2', ciphers: `${CIPHER}:ECDHE-ECDSA-AES128-GCM-SHA256` },
    ],
    [
      'an anonymous key exchange',
      NO_CIPHER,
      { maxVersion: 'TLSv1.2', ciphers: 'AECDH-AES128-SHA@SECLEVEL=0:aNULL@SECLEVEL=0' },
    ],
    [
      'plain PSK',
      NO_CIPHER,
      {
        maxVersion: 'TLSv1.2',
        ciphers: 'PSK-AES128-GCM-SHA256:DHE-PSK-AES128-GCM-SHA256',
        pskCallback: () => randomBytes(32),
      },
    ],
    [
      'a key of its own',
      'ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC',
      { maxVersion: 'TLSv1.2', ciphers: CIPHER, pskCallback: () => randomBytes(32) },
    ],
  ] as const)('but with a certificate is not accepted: %s', async (_, code, options) => {
    const authority = await TestAuthority.make();
    const credentials = await authority.issue({ names: ['localhost', '127.0.0.1'] });
    const taken: TLSSocket[] = [];
    const refusals: (string | undefined)[] = [];
    const server = createServer(
      { ...credentials, ...options },
      (socket) => void taken.push(socket.on('error', () => undefined)),
    ).on('tlsClientError', (error: { code?: string }) => void refusals.push(error.code));
    const ended = new Promise((resolve) => {
      server.once('secureConnection', resolve).once('tlsClientError', resolve);
    });
    const { failed, error } = await dial(links({ security: await security(secrets[0]) }), {
      host: '127.0.0.1',
      port: await portOf(server),
    });
    await ended;
    expect({ failed, refusals, taken: taken.length }).toEqual({
      failed: 'silent',
      refusals: [code],
      taken: 0,
    });
    expect(String(error)).toMatch(/\(security\)/);
  });

  it('and a client without it, that would take any certificate, is refused', async () => {
    const { listener } = await listen({ security: await security(secrets[0]) });
    const code = await handshakeOf(listener.address.port, { rejectUnauthorized: false });
    expect(code).toMatch(/HANDSHAKE_FAILURE|PROTOCOL_VERSION|NO_SHARED|ECONNRESET/);
  });
});

describe('a key that was removed', () => {
  it('does not come back by a resumed session or a ticket', async () => {
    const keys = new Keyring(CLUSTER);
    await keys.replace([secrets[0]]);
    const { listener } = await listen({ security: new TlsSecurity(new SharedSecret(keys)) });
    const { name, psk } = await keyOf(secrets[0], CLUSTER);
    const options: ConnectionOptions = {
      ciphers: CIPHER,
      maxVersion: 'TLSv1.2',
      secureOptions: constants.SSL_OP_LEGACY_SERVER_CONNECT,
      checkServerIdentity: () => undefined,
      pskCallback: () => ({ psk, identity: name }),
    };
    const before = await connected(listener.address.port, options);
    const session = before.getSession();
    expect(session).toBeDefined();
    expect(before.getTLSTicket()).toBeUndefined();
    before.destroy();
    await keys.replace([secrets[1]]);
    expect(await handshakeOf(listener.address.port, { ...options, session })).toMatch(/UNKNOWN_PSK_IDENTITY/);
  });

  it('does not count for a handshake that was under way', async () => {
    const keys = new Keyring(CLUSTER);
    await keys.replace([secrets[0]]);
    const { listener, acceptor } = await listen({ security: new TlsSecurity(new SharedSecret(keys)) });
    const held = await HeldBack.before(listener.address.port);
    const dialling = dial(links({ security: await security(secrets[0]) }), held.address);
    await held.full;
    await keys.replace([secrets[1]]);
    held.release();
    await dialling;
    const there = await acceptor.nth(0);
    await there.until(() => there.isClosed);
    expect(String(there.error)).toMatch(/the key [0-9a-f]{16} has been removed meanwhile/);
  });

  it('makes the credentials of its links stale, and of no others', async () => {
    const keys = new Keyring(CLUSTER);
    await keys.replace([...secrets]);
    const { listener, acceptor } = await listen({ security: new TlsSecurity(new SharedSecret(keys)) });
    for (const secret of secrets) await dial(links({ security: await security(secret) }), listener.address);
    const ends = [await acceptor.nth(0), await acceptor.nth(1)];
    await keys.replace([secrets[1]]);
    expect(ends.map((end) => end.link.credentials!.isCurrent)).toEqual([false, true]);
  });
});

describe('a plaintext peer', () => {
  it('that dials hears that TLS is spoken here, and learns nothing else', async () => {
    const { listener, acceptor } = await listen({ security: await security(secrets[0]) });
    const here = (await dial(links(), listener.address)).link!;
    here.link.send(EXAMPLES.hello);
    await here.until(() => here.calls.includes('closed'));
    expect(here.frames).toEqual([
      { type: 'refuse', reason: 'security', detail: 'this node speaks TLS only' },
    ]);
    const there = await acceptor.nth(0);
    await there.until(() => there.calls.includes('closed'));
    expect(String(there.error)).toMatch(/it speaks plaintext, this node TLS only/);
  });

  it('that is dialled is found out', async () => {
    const { listener, acceptor } = await listen();
    const { failed, error } = await dial(links({ security: await security(secrets[0]) }), listener.address);
    expect(failed).toBe('silent');
    expect(String(error)).toMatch(/\(security\): it does not speak TLS/);
    const there = await acceptor.nth(0);
    await there.until(() => there.calls.includes('closed'));
    expect(String(there.error)).toMatch(/The peer speaks TLS, this node does not/);
  });

  it.each([
    ['accept-plaintext', 'plaintext'],
    ['dial-secure', 'key'],
  ] as const)('is let in while a cluster migrates: %s', async (step, dials) => {
    const migrating = await security(secrets[0], step);
    const { listener, acceptor } = await listen({ security: migrating });
    const plain = (await dial(links(), listener.address)).link!;
    plain.link.send(EXAMPLES.hello);
    const first = await acceptor.nth(0);
    await first.until(() => first.frames.length === 1);
    expect(first.link.credentials).toBeUndefined();

    const secure = (await dial(links({ security: await security(secrets[0]) }), listener.address)).link!;
    expect(secure.link.credentials).toBeDefined();

    const own = (await dial(links({ security: migrating }), listener.address)).link!;
    expect(own.link.credentials?.description.split(' ')[0] ?? 'plaintext').toBe(dials);
  });
});

describe('a connection that is not secured in time', () => {
  it('is closed and counted, and holds its place until then', async () => {
    const { server, listener, acceptor } = await listen({
      security: await security(secrets[0]),
      handshakeMs: 100,
      limits: { unauthenticatedPerAddress: 2 },
    });
    const silent = [links(), links()];
    for (const each of silent) await dial(each, listener.address);
    const third = await dial(links({ security: await security(secrets[0]) }), listener.address);
    expect(third.failed).toBe('silent');
    const over = await acceptor.nth(0);
    await over.until(() => over.calls.includes('closed'));
    expect(String(over.error)).toMatch(/which is the limit/);
    for (const n of [1, 2]) {
      const late = await acceptor.nth(n);
      await late.until(() => late.calls.includes('closed'));
      expect(String(late.error)).toMatch(/not secured in time/);
    }
    expect(server.open).toBe(0);
  });

  it('and one that ends before is told as ended', async () => {
    const { listener, acceptor } = await listen({ security: await security(secrets[0]) });
    const here = (await dial(links(), listener.address)).link!;
    here.link.destroy();
    const there = await acceptor.nth(0);
    await there.until(() => there.calls.includes('closed'));
    expect(there.error).toBeUndefined();
  });
});

async function security(secret: Secret, migrate?: MigrationStep): Promise<TlsSecurity> {
  const keys = new Keyring(CLUSTER);
  await keys.replace([secret]);
  return new TlsSecurity(new SharedSecret(keys), migrate);
}

async function portOf(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

function connected(port: number, options: ConnectionOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, ...options }, () => resolve(socket));
    socket.on('error', reject);
  });
}

/** The code of the error in which a handshake ends; undefined if it succeeds. */
async function handshakeOf(port: number, options: ConnectionOptions): Promise<string | undefined> {
  try {
    (await connected(port, options)).destroy();
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code;
  }
}

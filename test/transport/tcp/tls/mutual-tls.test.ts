import { afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { HandshakeError } from '../../../../src/errors.js';
import type { LinkCredentials } from '../../../../src/transport/link.js';
import { loadCertificates, type TlsOptions } from '../../../../src/transport/tcp/tls/certificates.js';
import { MutualTls } from '../../../../src/transport/tcp/tls/mutual-tls.js';
import { TlsSecurity } from '../../../../src/transport/tcp/tls/tls-security.js';
import { TestAuthority, type CertificateOptions } from '../../../support/certificates.js';
import { EXAMPLES } from '../../session/frames.js';
import { closeHeldBack, HeldBack } from './held-back.js';
import { closeLinks, dial, links, listen } from '../tcp-pairs.js';

const HOUR_MS = 3_600_000;

let authority: TestAuthority;
let stranger: TestAuthority;
beforeAll(async () => {
  authority = await TestAuthority.make();
  stranger = await TestAuthority.make('Another CA');
});
// What does not end is a failure, and should soon be one: all of this takes milliseconds.
jest.setTimeout(10_000);
afterEach(async () => {
  await closeLinks();
  await closeHeldBack();
});

describe('links between certificates of one authority', () => {
  it('carry frames both ways, and prove the names of both', async () => {
    const { listener, acceptor } = await listen({ security: (await node(['a'])).security });
    const here = (await dial(links({ security: (await node(['b', 'B.test'])).security }), listener.address))
      .link!;
    const there = await acceptor.nth(0);
    for (const frame of Object.values(EXAMPLES)) for (const end of [here, there]) end.link.send(frame);
    for (const end of [here, there]) end.link.allowFrames(2 ** 20);
    await Promise.all([here, there].map((end) => end.until(() => end.frames.length === 12)));
    expect(there.frames).toEqual(Object.values(EXAMPLES));
    expect(accepted(here.link.credentials!, ['a', 'A', 'a\0', 'b', 'a.test', ''])).toEqual(['a']);
    expect(
      accepted(there.link.credentials!, ['b', 'b.test', 'B.test', 'a', '.test', '*', 'x.b.test']),
    ).toEqual(['b', 'B.test']);
    expect(there.link.credentials!.objectionTo!('a')).toBe(
      'the certificate is not for "a" but for DNS:b, DNS:B.test',
    );
  });

  it('prove no name of a wildcard, of a common name, or of another kind', async () => {
    const { listener, acceptor } = await listen({ security: (await node(['a'])).security });
    await dial(links({ security: (await node(['*.test'])).security }), listener.address);
    await dial(links({ security: (await node([])).security }), listener.address);
    const [wild, nameless] = [await acceptor.nth(0), await acceptor.nth(1)];
    expect(accepted(wild.link.credentials!, ['x.test', 'test', '.test'])).toEqual([]);
    expect(accepted(nameless.link.credentials!, ['nobody', ''])).toEqual([]);
  });

  it('prove what the function of the user says, and nothing when it throws', async () => {
    const checkName = (name: string, certificate: { subject: string }) => {
      if (name === 'throw') throw new Error('oh');
      return certificate.subject === `CN=${name}`;
    };
    const { listener, acceptor } = await listen({ security: (await node(['a'], { checkName })).security });
    await dial(links({ security: (await node(['b', 'c'])).security }), listener.address);
    const there = await acceptor.nth(0);
    expect(accepted(there.link.credentials!, ['b', 'c', 'throw'])).toEqual(['b']);
  });
});

describe('a certificate that is not accepted', () => {
  it.each<[string, CertificateOptions, RegExp]>([
    ['expired', { notAfter: new Date(Date.now() - HOUR_MS) }, /certificate has expired/],
    ['not valid yet', { notBefore: new Date(Date.now() + HOUR_MS) }, /certificate is not valid yet/],
    ['meant for servers only', { usage: ['server'] }, /certificate is not meant for this use/],
  ])('is named by both sides: %s', async (_, options, words) => {
    const { listener, acceptor } = await listen({ security: (await node(['a'])).security });
    const bad = await node(['b'], {}, options);
    const here = (await dial(links({ security: bad.security }), listener.address)).link!;
    here.link.send(EXAMPLES.hello);
    await here.until(() => here.isClosed);
    const [told] = here.frames;
    expect(told).toMatchObject({ type: 'refuse', reason: 'security' });
    expect((told as { detail: string }).detail).toMatch(new RegExp(`^your ${words.source}`));
    expect(here.frames).toHaveLength(1);
    const there = await acceptor.nth(0);
    await there.until(() => there.isClosed);
    expect(there.error).toBeInstanceOf(HandshakeError);
    expect(String(there.error)).toMatch(words);
    expect(there.frames).toEqual([]);
  });

  it('of another authority is refused by the one who dials, and by the one who is dialled', async () => {
    const foreign = await node(['b'], { ca: stranger.cert }, {}, stranger);
    const { listener, acceptor } = await listen({ security: (await node(['a'])).security });
    const { failed, error } = await dial(links({ security: foreign.security }), listener.address);
    expect(failed).toBe('silent');
    expect(String(error)).toMatch(/its certificate comes from another authority \(wrong CA\)/);

    // It trusts the right authority, and its own certificate is of another one.
    const halfway = await node(['b'], {}, {}, stranger);
    const here = (await dial(links({ security: halfway.security }), listener.address)).link!;
    await here.until(() => here.isClosed);
    expect(here.frames[0]).toMatchObject({
      detail: 'your certificate comes from another authority (wrong CA)',
    });
    const there = await acceptor.nth(acceptor.handlers.length - 1);
    await there.until(() => there.isClosed);
    expect(String(there.error)).toMatch(/wrong CA/);
  });

  it('that is expired at the one who is dialled is found by the one who dials', async () => {
    const expired = await node(['a'], {}, { notAfter: new Date(Date.now() - HOUR_MS) });
    const { listener } = await listen({ security: expired.security });
    const { error } = await dial(links({ security: (await node(['b'])).security }), listener.address);
    expect(String(error)).toMatch(/\(security\): its certificate has expired/);
  });

  it('that is revoked is refused', async () => {
    const revoked = await authority.issue({ names: ['b'] });
    const crl = await authority.revoke(revoked);
    const { listener } = await listen({ security: (await node(['a'], { crl })).security });
    const { security } = await nodeWith({ ca: authority.cert, ...revoked });
    const here = (await dial(links({ security }), listener.address)).link!;
    await here.until(() => here.isClosed);
    expect(here.frames[0]).toMatchObject({ detail: 'your certificate is revoked' });
    expect(
      (await dial(links({ security: (await node(['c'])).security }), listener.address)).link,
    ).toBeDefined();
  });

  it('that is revoked by the second list of a bundle is refused', async () => {
    const revoked = await stranger.issue({ names: ['b'] });
    const crl = (await authority.revoke()) + (await stranger.revoke(revoked));
    const ca = `${authority.cert}\n${stranger.cert}`;
    const { listener } = await listen({ security: (await node(['a'], { ca, crl })).security });
    const { security } = await nodeWith({ ca, ...revoked });
    const here = (await dial(links({ security }), listener.address)).link!;
    await here.until(() => here.isClosed);
    expect(here.frames[0]).toMatchObject({ detail: 'your certificate is revoked' });
  });

  it('that is missing is refused', async () => {
    const { listener, acceptor } = await listen({ security: (await node(['a'])).security });
    const socket = await connected(listener.address.port, {
      ca: authority.cert,
      checkServerIdentity: () => undefined,
    });
    await new Promise<void>((resolve) =>
      socket
        .on('close', () => resolve())
        .on('error', () => undefined)
        .resume(),
    );
    const there = await acceptor.nth(0);
    await there.until(() => there.isClosed);
    expect(String(there.error)).toMatch(/it has no certificate/);
    expect(there.frames).toEqual([]);
  });
});

describe('TLS itself', () => {
  it('is version 1.3, and a session is never resumed', async () => {
    const { listener, acceptor } = await listen({ security: (await node(['a'])).security });
    const own = await authority.issue({ names: ['b'] });
    const options = { ca: authority.cert, ...own, checkServerIdentity: () => undefined };
    const sessions: Buffer[] = [];
    const first = await connected(listener.address.port, options, sessions);
    expect(first.getProtocol()).toBe('TLSv1.3');
    await acceptor.nth(0);
    first.destroy();
    const session = sessions.at(-1) ?? first.getSession();
    const second = await connected(listener.address.port, { ...options, session });
    expect(second.isSessionReused()).toBe(false);
    second.destroy();
    await expect(connected(listener.address.port, { ...options, maxVersion: 'TLSv1.2' })).rejects.toThrow(
      /version/i,
    );
  });
});

describe('certificates that are replaced', () => {
  it('count for links to come, and older links stay', async () => {
    const a = await node(['a']);
    const { listener, acceptor } = await listen({ security: a.security });
    await dial(links({ security: (await node(['b'])).security }), listener.address);
    const renewed = await authority.issue({ names: ['a'] });
    expect(a.scheme.replace(await loadCertificates({ ca: authority.cert, ...renewed }))).toBe(false);
    const socket = await connected(listener.address.port, {
      ca: authority.cert,
      checkServerIdentity: () => undefined,
    });
    expect(socket.getPeerX509Certificate()!.toString().trim()).toBe(renewed.cert.trim());
    socket.on('error', () => undefined).destroy();
    expect((await acceptor.nth(0)).link.credentials!.isCurrent).toBe(true);
  });

  it('count for dials to come, too: their own, and whom they trust', async () => {
    const { listener, acceptor } = await listen({ security: (await node(['a'])).security });
    const b = await node(['b']);
    const client = links({ security: b.security });
    const descriptions: string[] = [];
    const dialAgain = async () => {
      const { failed } = await dial(client, listener.address);
      if (failed === undefined)
        descriptions.push((await acceptor.nth(descriptions.length)).link.credentials!.description);
      return failed;
    };
    await dialAgain();
    await dialAgain();
    const renewed = await authority.issue({ names: ['renewed'] });
    b.scheme.replace(await loadCertificates({ ca: authority.cert, ...renewed }));
    await dialAgain();
    expect(descriptions).toEqual(['b', 'b', 'renewed'].map((name) => `certificate of DNS:${name}`));
    b.scheme.replace(await loadCertificates({ ca: stranger.cert, ...renewed }));
    expect(await dialAgain()).toBeDefined();
  });

  it('by those of another authority make older links stale', async () => {
    const a = await node(['a']);
    const { listener, acceptor } = await listen({ security: a.security });
    await dial(links({ security: (await node(['b'])).security }), listener.address);
    const moved = await stranger.issue({ names: ['a'] });
    expect(a.scheme.replace(await loadCertificates({ ca: stranger.cert, ...moved }))).toBe(true);
    expect((await acceptor.nth(0)).link.credentials!.isCurrent).toBe(false);
  });

  it('while a handshake is under way end it: what it was verified by does not count any more', async () => {
    const a = await node(['a']);
    const { listener, acceptor } = await listen({ security: a.security });
    const b = await node(['b']);
    const held = await HeldBack.before(listener.address.port);
    const dialling = dial(links({ security: b.security }), held.address);
    await held.full;
    const crl = await authority.revoke(await authority.issue({ names: ['somebody'] }));
    const own = await authority.issue({ names: ['a'] });
    expect(a.scheme.replace(await loadCertificates({ ca: authority.cert, crl, ...own }))).toBe(true);
    held.release();
    await dialling;
    const there = await acceptor.nth(0);
    await there.until(() => there.isClosed);
    expect(String(there.error)).toMatch(/verified by what has changed meanwhile/);
  });

  it('and one that ends makes its link stale', async () => {
    const { listener, acceptor } = await listen({ security: (await node(['a'])).security });
    const notAfter = new Date(Date.now() + HOUR_MS);
    await dial(links({ security: (await node(['b'], {}, { notAfter })).security }), listener.address);
    const { credentials } = (await acceptor.nth(0)).link;
    expect(credentials!.isCurrent).toBe(true);
    const clock = jest.spyOn(Date, 'now').mockReturnValue(notAfter.getTime());
    expect(credentials!.isCurrent).toBe(false);
    clock.mockRestore();
  });
});

async function node(
  names: readonly string[],
  options: Partial<TlsOptions> = {},
  certificate: CertificateOptions = {},
  issuer = authority,
) {
  return nodeWith({ ca: authority.cert, ...(await issuer.issue({ names, ...certificate })), ...options });
}

async function nodeWith(options: TlsOptions) {
  const scheme = new MutualTls(options, await loadCertificates(options));
  return { scheme, security: new TlsSecurity(scheme) };
}

function accepted(credentials: LinkCredentials, names: readonly string[]): string[] {
  return names.filter((name) => credentials.objectionTo!(name) === undefined);
}

function connected(port: number, options: ConnectionOptions, sessions: Buffer[] = []): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, ...options }, () => resolve(socket));
    socket.on('error', reject).on('session', (session) => void sessions.push(session));
  });
}

import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import type { ClusterOptions, TransportContext } from '../../../src/cluster/options.js';
import { tcpTransport } from '../../../src/cluster/tcp-transport.js';
import type { TlsOptions } from '../../../src/transport/tcp/tls/certificates.js';
import { generateSecret } from '../../../src/transport/tcp/tls/secrets.js';
import type { Transport } from '../../../src/transport/transport.js';
import { TestAuthority, type CertificateOptions } from '../../support/certificates.js';
import { seeds } from '../../../src/discovery/static.js';
import { until } from '../../support/until.js';
import { SecuredCluster, SecuredNode } from './secured-cluster.js';

const HOUR_MS = 3_600_000;
const cluster = new SecuredCluster();

let authority: TestAuthority;
let stranger: TestAuthority;
let folder: string;
beforeAll(async () => {
  authority = await TestAuthority.make();
  stranger = await TestAuthority.make('Another CA');
  folder = await mkdtemp(join(tmpdir(), 'certificates-'));
});
afterEach(() => cluster.close());
afterAll(() => rm(folder, { recursive: true }));

describe('a cluster with certificates', () => {
  it('finds together, exchanges messages, and says whose certificate it has', async () => {
    const [a, b] = [await start('a'), await start('b')];
    await cluster.settled();
    b.node.onRequest('double', (value) => (value as number) * 2);
    expect(await a.node.request(b.node.local, 'double', 21)).toBe(42);
    expect(a.lines.join('\n')).toMatch(/Secured by certificates: this node's is for DNS:a, until/);
  });

  it.each<[string, () => Promise<ClusterOptions>, RegExp]>([
    ['the wrong CA', () => options('x', { issuer: stranger }), /comes from another authority \(wrong CA\)/],
    [
      'an expired certificate',
      () => options('x', { certificate: { notAfter: new Date(Date.now() - HOUR_MS) } }),
      /your certificate has expired/,
    ],
    [
      'a secret instead of a certificate',
      () => Promise.resolve({ nodeName: 'x', security: { secrets: [generateSecret()] } }),
      /another kind of security/,
    ],
  ])('lets nobody in with %s, tells it nothing, and its log says why', async (_, intruding, words) => {
    const honest = [await start('honest-1'), await start('honest-2')];
    await cluster.settled();
    const intruder = await cluster.start(await intruding());
    await until('the intruder knows why', () => words.test(intruder.lines.join('\n')));
    await until('the intruder can be told why', () => intruder.errors.some((error) => words.test(error)));
    expect(intruder.lines.join('\n')).not.toMatch(/honest/);
    expect(intruder.sees).toEqual(['x']);
    expect(honest.map(({ sees }) => sees.join())).toEqual(['honest-1,honest-2', 'honest-1,honest-2']);
    // One that does not trust this node hangs up by itself.
    await until('it is counted', () => {
      const { closedFor } = honest[0]!.node.stats.transport!;
      return (closedFor['security'] ?? 0) + (closedFor['handshake-aborted'] ?? 0) > 0;
    });
  });

  it('does not start a node whose own certificate is for another', async () => {
    const { security } = await options('a');
    await expect(cluster.start({ nodeName: 'b', security })).rejects.toThrow(
      /"nodeName" is "b", but this node's certificate is for DNS:a/,
    );
  });

  it("refuses who says another's name, and both logs say so", async () => {
    const honest = await start('honest');
    const liar = await cluster.start({
      ...(await options('liar')),
      transport: (context) => pretending(context, { nodeName: 'honest' }),
    });
    await until('the liar knows why', () => liar.errors.length > 0);
    expect(liar.errors.join('\n')).toMatch(
      /\(identity\): the certificate is not for "honest" but for DNS:liar/,
    );
    expect(honest.lines.join('\n')).toMatch(/Refused a handshake .*\(identity\): the certificate is not for/);
    expect(honest.sees).toEqual(['honest']);
    expect(liar.sees).toEqual(['liar']);
  });

  it("refuses who uses another's id, with a certificate of its own", async () => {
    const [a, b] = [await start('a'), await start('b')];
    await cluster.settled();
    const { id } = b.node.local;
    const thief = await cluster.start({
      ...(await options('thief')),
      transport: (context) => pretending(context, { id }),
    });
    await until('the thief knows why', () => thief.errors.some((error) => /identity|duplicate/.test(error)));
    expect(a.sees).toEqual(['a', 'b']);
    expect(b.sees).toEqual(['a', 'b']);
    expect([a, b].flatMap(({ events }) => events.map(({ type }) => type))).toEqual(['joined', 'joined']);
  });

  it('refuses whose record tells of another name than its certificate', async () => {
    const honest = await start('honest');
    // It proves "liar", and calls itself "mayor" in what it says of itself.
    const { security } = await options('liar', { tls: { checkName: () => true } });
    const liar = await cluster.start({
      nodeName: 'mayor',
      security,
      transport: (context) => pretending(context, { nodeName: 'liar' }),
    });
    await until('the liar knows why', () => liar.errors.length > 0);
    expect(liar.errors.join('\n')).toMatch(/another name than the certificate/);
    expect(honest.sees).toEqual(['honest']);
  });

  it('does not admit a second node of a name while the first lives, and does when it is gone', async () => {
    const a = await start('a');
    const first = await start('twin');
    await cluster.settled();
    const second = await start('twin');
    await until('the second knows why', () => second.errors.some((error) => /has the same name/.test(error)));
    expect(a.errors.join('\n')).toMatch(/Two live nodes are called "twin"/);
    expect(a.node.activeMembers.filter(({ name }) => name === 'twin').map(({ id }) => id)).toEqual([
      first.node.local.id,
    ]);
    await first.node.close();
    await cluster.settled([a, second]);
  });

  it('never shows a private key', async () => {
    const a = await start('a');
    const { security } = await options('b', { tls: { passphrase: 'open sesame' } });
    const b = await cluster.start({ nodeName: 'b', security });
    await cluster.settled();
    const shown = inspect([a.node, a.lines, b.node, b.lines], { depth: 20, showHidden: true });
    expect(shown).not.toMatch(/PRIVATE KEY|open sesame/);
  });
});

describe('a certificate that nobody would accept stops the start, or is warned of', () => {
  it('for one side of TLS only', async () => {
    const onlyClient = options('a', { certificate: { usage: ['client'] } });
    await expect(cluster.start(await onlyClient)).rejects.toThrow(/extended key usage without serverAuth/);
  });

  it('with too short a key', async () => {
    const weak = options('a', { certificate: { rsaBits: 1024 } });
    await expect(cluster.start(await weak)).rejects.toThrow(/key is too short .*RSA needs 2048 bits/);
    const strong = await cluster.start(await options('a', { certificate: { rsaBits: 2048 } }));
    await cluster.settled([strong, await start('b')]);
  });

  it.each<[string, () => unknown, RegExp]>([
    ['that fails', () => thrown('no database'), /security\.tls\.checkName.*failed .*: no database/],
    ['that answers later', () => Promise.resolve(true), /security\.tls\.checkName.*true or false, at once/],
  ])('for a checkName %s', async (_, checkName, words) => {
    const own = options('a', { tls: { checkName: checkName as () => boolean } });
    await expect(cluster.start(await own)).rejects.toThrow(words);
  });

  it.each<[string, CertificateOptions, RegExp]>([
    ['expired', { notAfter: new Date(Date.now() - HOUR_MS) }, /has expired .*nobody will let it in/],
    ['not valid yet', { notBefore: new Date(Date.now() + HOUR_MS) }, /is not valid before .*nobody will/],
  ])('%s', async (_, certificate, words) => {
    const a = await cluster.start(await options('a', { certificate }));
    expect(a.lines.join('\n')).toMatch(words);
  });

  it('and one behind intermediate authorities is fine', async () => {
    const between = await authority.deputy('Intermediate CA');
    const own = await between.issue({ names: ['a'] });
    const tls = { ca: authority.cert, cert: own.cert + between.cert, key: own.key };
    const a = await cluster.start({ nodeName: 'a', security: { tls } });
    await cluster.settled([a, await start('b')]);
  });
});

describe('two nodes of one name that start at the same moment', () => {
  it('are told of in every log', async () => {
    const hosts = [await start('s1'), await start('s2')];
    await cluster.settled();
    const twins = await Promise.all(
      hosts.map(async (seed) => {
        const twin = new SecuredNode({ ...(await options('twin')), discovery: seeds(seed.address) });
        cluster.nodes.push(twin);
        await twin.node.start();
        return twin;
      }),
    );
    const nodes = [...hosts, ...twins];
    // Both, or one of them, is in; in any case somebody has said so.
    await until('somebody says so', () =>
      nodes.some(({ lines }) =>
        lines.some((line) => /Two live nodes are called "twin"|same name/.test(line)),
      ),
    );
  });
});

describe('a certificate that ends while its node runs', () => {
  it('closes what rests on it at the next look, though no file has changed', async () => {
    const notAfter = new Date(Date.now() + HOUR_MS);
    const a = await cluster.start(await options('a', { tls: { reloadIntervalMs: 50 } }));
    await cluster.start(await options('b', { certificate: { notAfter } }));
    await cluster.settled();
    const revoked = (): number => a.node.stats.transport!.closedFor['revoked'] ?? 0;
    expect(revoked()).toBe(0);
    const clock = jest.spyOn(Date, 'now').mockReturnValue(notAfter.getTime());
    try {
      await until('a closes the links', () => revoked() > 0);
    } finally {
      clock.mockRestore();
    }
  });
});

describe('certificates in files', () => {
  it('are reloaded when they change, and the cluster stays whole', async () => {
    const paths = await write('a', await authority.issue({ names: ['a'] }));
    const tls = { ...paths, reloadIntervalMs: 50 };
    const a = await cluster.start({ nodeName: 'a', security: { tls } });
    const b = await start('b');
    await cluster.settled();
    await write('a', await authority.issue({ names: ['a'], notAfter: new Date(Date.now() + 20 * HOUR_MS) }));
    await until('a has reloaded', () => a.lines.some((line) => /certificates were reloaded/.test(line)));
    expect(a.lines.join('\n')).toMatch(/expires soon/);
    // Half-written files are left alone until they fit each other.
    await writeFile(paths.key, (await authority.issue({ names: ['a'] })).key);
    await until('a complains', () => a.lines.some((line) => /private key belongs to another/.test(line)));
    await expect(a.node.reloadTls()).rejects.toThrow(/private key belongs to another certificate/);
    const c = await start('c');
    await cluster.settled([a, b, c]);
    expect([a, b].flatMap(({ events }) => events).filter(({ type }) => type !== 'joined')).toEqual([]);
  });

  it('that cannot be read any more do not silence the word on an end that comes near', async () => {
    const soon = new Date(Date.now() + HOUR_MS);
    const paths = await write(
      'a',
      await authority.issue({ names: ['a'], notAfter: new Date(Date.now() + 9 * 24 * HOUR_MS) }),
    );
    const a = await cluster.start({ nodeName: 'a', security: { tls: { ...paths, reloadIntervalMs: 20 } } });
    await rm(paths.key);
    await until('a complains', () => a.lines.some((line) => /cannot be reloaded/.test(line)));
    expect(a.lines.join('\n')).not.toMatch(/expires soon/);
    const clock = jest.spyOn(Date, 'now').mockReturnValue(soon.getTime() + 8 * 24 * HOUR_MS);
    await until('a warns', () => a.lines.some((line) => /expires soon/.test(line)));
    clock.mockRestore();
  });

  it('of a new authority close what the old one vouched for', async () => {
    const own = { a: await authority.issue({ names: ['a'] }), b: await authority.issue({ names: ['b'] }) };
    const both = [authority.cert, stranger.cert].join('\n');
    const nodes: SecuredNode[] = [];
    for (const name of ['a', 'b'] as const) {
      const paths = await write(name, own[name], both);
      nodes.push(
        await cluster.start({ nodeName: name, security: { tls: { ...paths, reloadIntervalMs: 0 } } }),
      );
    }
    await cluster.settled();
    for (const name of ['a', 'b']) await write(name, await stranger.issue({ names: [name] }), both);
    for (const { node } of nodes) await node.reloadTls();
    for (const name of ['a', 'b']) await writeFile(join(folder, `${name}.ca`), stranger.cert);
    for (const { node } of nodes) await node.reloadTls();
    expect(nodes.some(({ node }) => (node.stats.transport!.closedFor['revoked'] ?? 0) > 0)).toBe(true);
    const [a, b] = nodes as [SecuredNode, SecuredNode];
    b.node.onRequest('ping', () => 'pong');
    expect(await a.node.request(b.node.local, 'ping', null)).toBe('pong');
    expect(nodes.flatMap(({ events }) => events.map(({ type }) => type))).toEqual(['joined', 'joined']);
  });

  it.each<[string, Partial<TlsOptions>, RegExp]>([
    ['a file that is not there', { key: '/nowhere/key.pem' }, /security\.tls\.key.*cannot be read.*ENOENT/],
    ['a file over 1 MiB', { cert: process.execPath }, /security\.tls\.cert.*at most 1048576 are read/],
    ['a file without PEM', { cert: 'package.json' }, /security\.tls\.cert.*without PEM/],
    [
      'of another authority',
      { ca: 'another' },
      /security\.tls\.cert.*does not come from an authority in "ca"/,
    ],
    ['a key of another', { key: 'another' }, /private key belongs to another certificate/],
    ['a broken one in a bundle', { ca: 'broken bundle' }, /security\.tls\.ca.*not a certificate/],
    ['no certificate', { ca: '-----BEGIN NONSENSE-----' }, /security\.tls\.ca.*not a certificate/],
  ])('stop the start: %s', async (_, wrong, words) => {
    const { key } = await authority.issue({ names: ['a'] });
    const { tls } = (await options('a')).security as { tls: TlsOptions };
    const given = { ...tls, ...wrong, ...(wrong.key === 'another' ? { key } : {}) };
    if (wrong.ca === 'another') given.ca = stranger.cert;
    if (wrong.ca === 'broken bundle') given.ca = `${authority.cert}\n${authority.cert.replace('\nM', '\n!')}`;
    await expect(cluster.start({ nodeName: 'a', security: { tls: given } })).rejects.toThrow(words);
  });
});

/** A transport that says of its node what is not true. */
function pretending(context: TransportContext, lie: Partial<TransportContext>): Transport {
  return tcpTransport({ ...context, ...lie });
}

async function options(
  name: string,
  given: { issuer?: TestAuthority; certificate?: CertificateOptions; tls?: Partial<TlsOptions> } = {},
): Promise<ClusterOptions> {
  const issuer = given.issuer ?? authority;
  const credentials = await issuer.issue({ names: [name], ...given.certificate });
  return { nodeName: name, security: { tls: { ca: issuer.cert, ...credentials, ...given.tls } } };
}

function thrown(message: string): never {
  throw new Error(message);
}

async function start(name: string): Promise<SecuredNode> {
  return cluster.start(await options(name));
}

async function write(name: string, { cert, key }: { cert: string; key: string }, ca = authority.cert) {
  const paths = {
    ca: join(folder, `${name}.ca`),
    cert: join(folder, `${name}.cert`),
    key: join(folder, `${name}.key`),
  };
  await Promise.all([writeFile(paths.ca, ca), writeFile(paths.cert, cert), writeFile(paths.key, key)]);
  return paths;
}

import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateSecret } from '../../src/transport/tcp/tls/secrets.js';
import { TestAuthority } from '../support/certificates.js';
import { until, type TestProcess } from './processes.js';
import { SampleCluster, type SampleNode } from './sample-cluster.js';

type Two = [SampleNode, SampleNode];

const PASSPHRASE = 'four, plain words of it';

/** Nothing of a secret is in what a process has written. */
function expectSilence(processes: readonly TestProcess[], secrets: readonly string[]): void {
  for (const process of processes) {
    for (const secret of secrets) expect(process.output()).not.toContain(secret);
  }
}

describe('sample applications with CLUSTER_SECRETS', () => {
  const secret = generateSecret();
  const cluster = new SampleCluster({ CLUSTER_SECRETS: secret });
  afterEach(() => cluster.close());

  it('form a cluster, talk, and never write their secret', async () => {
    const nodes = await cluster.startAll(['a', 'b', 'c']);
    const [a, ...others] = nodes as [SampleNode, ...SampleNode[]];
    expect((await a.call('POST', '/chat', { text: 'in secret' })).body).toEqual({
      delivered: others.map(({ id }) => id).toSorted(),
      failed: [],
    });
    for (const { process } of nodes) expect(process.stderr).toMatch(/Secured by shared secrets: key \w{16}/);
    expectSilence(
      nodes.map(({ process }) => process),
      [secret],
    );
  });

  it('keep out who has another secret, or none, and the stderr of both sides says why', async () => {
    const wrong = generateSecret();
    const [a, b] = (await cluster.startAll(['a', 'b'])) as Two;
    const stranger = await cluster.start('stranger', [a], { CLUSTER_SECRETS: wrong });
    await until('the stranger knows', () => /wrong secret/.test(stranger.process.stderr), {
      report: () => stranger.process.output(),
    });
    const naked = await cluster.start('naked', [a], { CLUSTER_SECRETS: '' });
    await until('the naked one knows', () => /this node speaks TLS only/.test(naked.process.stderr), {
      report: () => naked.process.output(),
    });
    await until('a knows', () => /wrong secret/.test(a.process.stderr), {
      report: () => a.process.output(),
    });
    for (const outsider of [stranger, naked]) {
      await outsider.untilSees([outsider]);
      expect(outsider.process.output()).not.toContain(a.id);
      expect(outsider.process.output()).not.toContain(b.id);
    }
    for (const node of [a, b]) await node.untilSees([a, b]);
    expectSilence(
      [a, b, stranger, naked].map(({ process }) => process),
      [secret, wrong],
    );
  });

  it('dial with their first secret and accept the others; a passphrase has a line of its own', async () => {
    const older = generateSecret();
    const a = await cluster.start('a', [], {
      CLUSTER_SECRETS: `${secret},\t${older}\n passphrase: ${PASSPHRASE}\n`,
    });
    const b = await cluster.start('b', [a], { CLUSTER_SECRETS: `passphrase:${PASSPHRASE}\n${secret}` });
    for (const node of [a, b]) await node.untilSees([a, b]);
    expect(b.process.stderr).toMatch(/key \w{16} dials, \w{16} accepted too/);
    expectSilence(
      [a, b].map(({ process }) => process),
      [secret, older, PASSPHRASE],
    );
  });

  it('listen on any address', async () => {
    const node = await cluster.start('open', [], {
      CLUSTER_HOST: '0.0.0.0',
      CLUSTER_ADVERTISE: '127.0.0.1:7900',
    });
    await node.untilSees([node]);
  });
});

describe('sample applications with CLUSTER_TLS_CA, CLUSTER_TLS_CERT and CLUSTER_TLS_KEY', () => {
  const cluster = new SampleCluster();
  let folder: string;
  let authority: TestAuthority;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'clusterpack-tls-'));
    authority = await TestAuthority.make();
  });
  afterEach(() => cluster.close());
  afterAll(() => rm(folder, { recursive: true }));

  async function certified(name: string, issuer = authority): Promise<NodeJS.ProcessEnv> {
    const { cert, key } = await issuer.issue({ names: [name] });
    const written = { CA: issuer.cert, CERT: cert, KEY: key };
    const paths = Object.entries(written).map(async ([kind, pem]) => {
      const path = join(folder, `${name}-${kind}.pem`);
      await writeFile(path, pem);
      return [`CLUSTER_TLS_${kind}`, path] as const;
    });
    return Object.fromEntries(await Promise.all(paths));
  }

  it('form a cluster, and keep out who comes from another authority', async () => {
    const a = await cluster.start('a', [], await certified('a'));
    const b = await cluster.start('b', [a], await certified('b'));
    for (const node of [a, b]) await node.untilSees([a, b]);
    const foreign = await certified('stranger', await TestAuthority.make('Another CA'));
    const stranger = await cluster.start('stranger', [a], foreign);
    await until('it knows why', () => /another authority \(wrong CA\)/.test(stranger.process.stderr), {
      report: () => stranger.process.output(),
    });
    await stranger.untilSees([stranger]);
    for (const node of [a, b]) await node.untilSees([a, b]);
    for (const { process } of [a, b, stranger]) expect(process.output()).not.toContain('PRIVATE KEY');
  });

  it('do not start with a certificate for another name, or files that are not there', async () => {
    const misnamed = cluster.spawn('a', await certified('b'));
    expect(await misnamed.ended()).toEqual({ code: 1, signal: null });
    expect(misnamed.stderr).toMatch(/^sample-app: NODE_NAME: .*certificate is for DNS:b/m);

    const missing = cluster.spawn('a', { ...(await certified('a')), CLUSTER_TLS_KEY: join(folder, 'none') });
    expect(await missing.ended()).toEqual({ code: 1, signal: null });
    expect(missing.stderr).toMatch(/^sample-app: CLUSTER_TLS_KEY: .*ENOENT/m);

    const { CLUSTER_TLS_CERT: cert } = await certified('c');
    const unfit = cluster.spawn('a', { ...(await certified('a')), CLUSTER_TLS_CERT: cert });
    expect(await unfit.ended()).toEqual({ code: 1, signal: null });
    expect(unfit.stderr).toMatch(
      /^sample-app: CLUSTER_TLS_CA, CLUSTER_TLS_CERT, CLUSTER_TLS_KEY: .*another certificate/m,
    );
  });
});

describe('the variables for security', () => {
  const secret = generateSecret();
  const cluster = new SampleCluster();
  afterEach(() => cluster.close());

  const tls = {
    CLUSTER_TLS_CA: '/nowhere/ca',
    CLUSTER_TLS_CERT: '/nowhere/c',
    CLUSTER_TLS_KEY: '/nowhere/k',
  };
  it.each<[string, NodeJS.ProcessEnv, RegExp]>([
    [
      'an open address without any of them',
      { CLUSTER_HOST: '0.0.0.0' },
      /CLUSTER_HOST="0\.0\.0\.0" .*CLUSTER_SECRETS.*CLUSTER_TLS_CA.*CLUSTER_INSECURE=1/,
    ],
    [
      'secrets and files',
      { CLUSTER_SECRETS: secret, ...tls },
      /CLUSTER_SECRETS and CLUSTER_TLS_CA exclude each other/,
    ],
    [
      'secrets and the word that there is no security',
      { CLUSTER_SECRETS: secret, CLUSTER_INSECURE: '1' },
      /CLUSTER_INSECURE and CLUSTER_SECRETS exclude each other/,
    ],
    [
      'one file of three',
      { CLUSTER_TLS_CERT: '/nowhere/c' },
      /CLUSTER_TLS_CA and CLUSTER_TLS_KEY are not set: .* belong together/,
    ],
    ['two files of three', { ...tls, CLUSTER_TLS_KEY: '' }, /CLUSTER_TLS_KEY is not set: .* belong together/],
    ['a migration to nothing', { CLUSTER_MIGRATE: 'dial-secure' }, /CLUSTER_MIGRATE="dial-secure"/],
    [
      'a step that there is not',
      { CLUSTER_SECRETS: secret, CLUSTER_MIGRATE: 'now' },
      /CLUSTER_MIGRATE="now" .*one of accept-plaintext, dial-secure/,
    ],
    [
      'a secret that is too short',
      { CLUSTER_SECRETS: `${secret},${secret.slice(0, 20)}` },
      /CLUSTER_SECRETS: .*"security\.secrets\.1" has 15 bytes/,
    ],
    [
      'the variable in the singular',
      { CLUSTER_SECRET: secret },
      /CLUSTER_SECRET is not read: .*CLUSTER_SECRETS/,
    ],
    ['what is no secret', { CLUSTER_SECRETS: `${secret}!` }, /CLUSTER_SECRETS: .*at least 32 random bytes/],
    ['blanks only', { CLUSTER_SECRETS: ' , ' }, /CLUSTER_SECRETS has no secret in it/],
    [
      'a passphrase beside a secret',
      { CLUSTER_SECRETS: `${secret},passphrase:${secret}` },
      /CLUSTER_SECRETS has a passphrase beside something else/,
    ],
    [
      'a short passphrase',
      { CLUSTER_SECRETS: 'passphrase:too short' },
      /CLUSTER_SECRETS: .*passphrase of 9 characters/,
    ],
  ])('stop the start in one line without a secret in it: %s', async (_, environment, words) => {
    const process = cluster.spawn('wrong', environment);
    expect(await process.ended()).toEqual({ code: 1, signal: null });
    expect(process.stdout).toBe('');
    const complaints = process.stderr.split('\n').filter((line) => line.startsWith('sample-app: '));
    expect(complaints).toHaveLength(1);
    expect(complaints[0]).toMatch(words);
    expectSilence([process], [secret, secret.slice(0, 20), 'too short']);
  });
});

describe('CLUSTER_MIGRATE', () => {
  const cluster = new SampleCluster();
  afterEach(() => cluster.close());

  it('lets nodes of neighbouring steps be one cluster', async () => {
    const secured = { CLUSTER_SECRETS: generateSecret() };
    const plain = await cluster.start('plain');
    const first = await cluster.start('first', [plain], { ...secured, CLUSTER_MIGRATE: 'accept-plaintext' });
    for (const node of [plain, first]) await node.untilSees([plain, first]);
    await plain.call('POST', '/leave');
    expect(await plain.process.ended()).toEqual({ code: 0, signal: null });
    const second = await cluster.start('second', [first], { ...secured, CLUSTER_MIGRATE: 'dial-secure' });
    for (const node of [first, second]) await node.untilSees([first, second]);
    await first.call('POST', '/leave');
    expect(await first.process.ended()).toEqual({ code: 0, signal: null });
    const last = await cluster.start('last', [second], secured);
    for (const node of [second, last]) await node.untilSees([second, last]);
    expect(second.process.stderr).toMatch(/security\.migrate is 'dial-secure'/);
  });
});

import { afterEach, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { generateSecret } from '../../../src/transport/tcp/tls/secrets.js';
import { until } from '../../support/until.js';
import { SecuredCluster, SecuredNode } from './secured-cluster.js';

const cluster = new SecuredCluster();
afterEach(() => cluster.close());

const old = generateSecret();
const next = generateSecret();

describe('a cluster with a shared secret', () => {
  it('finds together, exchanges messages, and says which key it uses', async () => {
    const nodes = await start(3, [old]);
    await cluster.settled();
    const [a, b] = nodes as [SecuredNode, SecuredNode];
    b.node.onRequest('double', (value) => (value as number) * 2);
    expect(await a.node.request(b.node.local, 'double', 21)).toBe(42);
    expect(a.lines.join('\n')).toMatch(/Secured by shared secrets: key [0-9a-f]{16} dials/);
  });

  it('lets a node with another secret in nowhere, tells it nothing, and both logs say why', async () => {
    const nodes = await start(2, [old]);
    await cluster.settled();
    const intruder = await cluster.start({ nodeName: 'intruder', security: { secrets: [next] } });
    await until('the intruder knows why', () => intruder.errors.length > 0);
    expect(intruder.lines.join('\n')).toMatch(/wrong secret: it does not have the key [0-9a-f]{16}/);
    expect(intruder.errors[0]).toMatch(/\(security\): wrong secret/);
    expect(intruder.lines.join('\n')).not.toMatch(/n0|n1/);
    expect(intruder.sees).toEqual(['intruder']);
    expect(nodes[0]!.lines.join('\n')).toMatch(
      /wrong secret: it offers the key [0-9a-f]{16}, which this node/,
    );
    expect(nodes[0]!.node.stats.transport!.closedFor['security']).toBeGreaterThan(0);
    expect(nodes.map(({ sees }) => sees)).toEqual([
      ['n0', 'n1'],
      ['n0', 'n1'],
    ]);
  });

  it('changes its secret while it runs: nobody is suspected and no message is lost', async () => {
    const nodes = await start(5, [old]);
    await cluster.settled();
    const traffic = new Traffic(nodes);
    for (const step of [[old, next], [next, old], [next]]) {
      for (const { node } of nodes) {
        await node.rotateSecrets(step);
        await traffic.goOn(20);
      }
    }
    await traffic.goOn(100);
    const { sent, failures, received } = await traffic.end();
    expect(failures).toEqual([]);
    expect(received).toBe(sent);
    expect(
      nodes.flatMap(({ events }) => events.map(({ type }) => type)).filter((type) => type !== 'joined'),
    ).toEqual([]);
    // The connections of the old key are gone: whichever end looked first closed them.
    expect(nodes.some(({ node }) => (node.stats.transport!.closedFor['revoked'] ?? 0) > 0)).toBe(true);
    const late = await cluster.start({ nodeName: 'late', security: { secrets: [old] } });
    await until('the late one is refused', () => late.errors.some((error) => /wrong secret/.test(error)));
    const timely = await cluster.start({ nodeName: 'timely', security: { secrets: [next] } });
    await cluster.settled([...nodes, timely]);
  });

  it('keeps its secrets when the new ones are none', async () => {
    const [node] = (await start(1, [old])) as [SecuredNode];
    await expect(node.node.rotateSecrets(['short'])).rejects.toThrow(/secrets\.0.*npx clusterpack keygen/);
    await expect(node.node.rotateSecrets([])).rejects.toThrow(/1 to 8 secrets/);
    await expect(node.node.reloadTls()).rejects.toThrow(/security\.tls.*was not given/);
    const other = await cluster.start({ nodeName: 'other', security: { secrets: [old] } });
    await cluster.settled([node, other]);
  });

  it('knows its secrets by what they were when they were given', async () => {
    const [bytes, other] = [randomBytes(32), randomBytes(32)];
    const wiped = Buffer.from(bytes);
    const list = [wiped];
    const a = new SecuredNode({ nodeName: 'a', security: { secrets: list } });
    cluster.nodes.push(a);
    wiped.fill(0);
    list.length = 0;
    await a.node.start();
    const b = await cluster.start({ nodeName: 'b', security: { secrets: [bytes] } });
    await cluster.settled();
    const rotated = Buffer.from(other);
    const rotating = a.node.rotateSecrets([bytes, rotated]);
    rotated.fill(0);
    await rotating;
    const c = await cluster.start({ nodeName: 'c', security: { secrets: [other, bytes] } });
    await cluster.settled([a, b, c]);
  });

  it('knows its passphrase by what it was when it was given', async () => {
    const words = { passphrase: 'correct horse battery staple' };
    const a = new SecuredNode({ nodeName: 'a', security: { secrets: [words] } });
    cluster.nodes.push(a);
    words.passphrase = 'another one, of some length';
    await a.node.start();
    await cluster.start({
      nodeName: 'b',
      security: { secrets: [{ passphrase: 'correct horse battery staple' }] },
    });
    await cluster.settled();
  });

  it('may be told of other secrets at any time, and the latest ones count', async () => {
    const passphrases = ['correct horse battery', 'staple correct horse'].map((passphrase) => ({
      passphrase,
    }));
    const a = new SecuredNode({ nodeName: 'a', security: { secrets: passphrases } });
    cluster.nodes.push(a);
    const before = a.node.rotateSecrets(passphrases);
    const starting = a.node.start();
    const rotations = [[...passphrases, old], [old], [next, old]].map((list) => a.node.rotateSecrets(list));
    await Promise.all([before, starting, ...rotations]);
    expect(a.lines.join('\n')).not.toMatch(/undefined/);
    const b = await cluster.start({ nodeName: 'b', security: { secrets: [next] } });
    await cluster.settled([a, b]);
    expect(a.lines.at(-1)).not.toMatch(/failed/);
  });

  it('works with a passphrase, and never shows a secret', async () => {
    const passphrase = 'correct horse battery staple';
    const bytes = randomBytes(32);
    const security = { secrets: [{ passphrase }, bytes, old] };
    const a = await cluster.start({ nodeName: 'a', security });
    const b = await cluster.start({ nodeName: 'b', security });
    await cluster.settled();
    const shown = [a, b]
      .map(({ node, lines, errors, events }) =>
        inspect([node, lines, errors, events], { depth: 20, showHidden: true }),
      )
      .join();
    for (const secret of [passphrase, old, bytes.toString('hex'), inspect(bytes).slice(8, 60)])
      expect(shown).not.toContain(secret);
  });
});

describe('a plaintext cluster', () => {
  it('becomes a secured one in three rolling steps, without a member lost', async () => {
    const plain = await start(3, undefined);
    await cluster.settled();
    let nodes = plain;
    for (const [i, migrate] of (['accept-plaintext', 'dial-secure', undefined] as const).entries()) {
      for (const [j, before] of nodes.entries()) {
        const others = nodes.filter((each) => each !== before && each.node.status !== 'closed');
        await before.node.close();
        cluster.nodes.splice(cluster.nodes.indexOf(before), 1);
        const after = await cluster.start({ nodeName: `s${i}${j}`, security: { secrets: [old], migrate } });
        nodes = [...others, after];
        await cluster.settled(nodes);
        const { node } = after;
        node.onRequest('ping', () => 'pong');
        for (const other of others) expect(await other.node.request(node.local, 'ping', null)).toBe('pong');
      }
    }
    const events = nodes.flatMap((each) => each.events.map(({ type }) => type));
    expect(new Set(events)).toEqual(new Set(['joined', 'left']));
    const outsider = await cluster.start({ nodeName: 'outsider' });
    await until('plaintext is refused', () => outsider.errors.some((error) => /speaks TLS only/.test(error)));
    expect(nodes[0]!.lines.join()).toMatch(/it speaks plaintext, this node TLS only/);
  });

  it('warns at each start while it can still be joined without a secret', async () => {
    const node = await cluster.start({ security: { secrets: [old], migrate: 'dial-secure' } });
    expect(node.lines.join('\n')).toMatch(
      /security\.migrate is 'dial-secure': plaintext connections are accepted/,
    );
  });
});

async function start(count: number, secrets: readonly string[] | undefined): Promise<SecuredNode[]> {
  const nodes: SecuredNode[] = [];
  for (let i = 0; i < count; i++) {
    nodes.push(await cluster.start({ nodeName: `n${i}`, security: secrets && { secrets } }));
  }
  return nodes;
}

/** Everybody sends to everybody, one message after the other. */
class Traffic {
  readonly failures: string[] = [];
  received = 0;
  sent = 0;
  readonly #nodes: readonly SecuredNode[];
  readonly #waiting = new Set<Promise<void>>();

  constructor(nodes: readonly SecuredNode[]) {
    this.#nodes = nodes;
    for (const { node } of nodes) node.onMessage('tick', () => void this.received++);
  }

  /** So many messages of each to each; most are still on their way when this returns. */
  async goOn(rounds: number): Promise<void> {
    for (let round = 0; round < rounds; round++) {
      for (const { node: from } of this.#nodes) {
        for (const { node: to } of this.#nodes) {
          if (from === to) continue;
          const sending = from
            .emit(to.local, 'tick', ++this.sent)
            .catch((error: unknown) => void this.failures.push(String(error)))
            .finally(() => this.#waiting.delete(sending));
          this.#waiting.add(sending);
        }
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  async end(): Promise<Traffic> {
    await Promise.all(this.#waiting);
    return this;
  }
}

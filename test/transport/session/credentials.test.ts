import { describe, expect, it } from '@jest/globals';
import { HandshakeError } from '../../../src/errors.js';
import type { NodeId } from '../../../src/node-id.js';
import type { LinkCredentials } from '../../../src/transport/link.js';
import { OutgoingMessage } from '../../../src/transport/session/message.js';
import type { PeerLink } from '../../../src/transport/session/peer-link.js';
import { Bench, FakeLink, hello, HIGHER, LOWER, OWN, welcome } from './fakes.js';

/** A certificate for one name. */
class Certificate implements LinkCredentials {
  readonly description = 'certificate';
  isCurrent = true;
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  objectionTo(name: string): string | undefined {
    return name === this.#name ? undefined : `not for "${name}"`;
  }
}

/** A shared key: it proves membership, and no name. */
const key: LinkCredentials = { description: 'key', isCurrent: true };

describe('where connections prove names', () => {
  it('a hello under another name is refused, and heard of on both sides', () => {
    const bench = new Bench();
    const link = accepted(bench, new Certificate('liar'));
    link.frame(hello(LOWER, { name: 'mayor' }));
    expect(sent(link)).toEqual([{ type: 'refuse', reason: 'identity', detail: 'not for "mayor"' }]);
    expect(bench.refusals[0]).toMatch(/\(identity\): not for "mayor"/);
    expect(bench.endpoint.counters.closedFor).toEqual({ identity: 1 });
  });

  it('an answer under another name is refused, and is no evidence about who was dialled', () => {
    const bench = new Bench();
    const dial = opened(bench, HIGHER, new Certificate('liar'));
    dial.frame({ ...welcome(LOWER), name: 'mayor' });
    expect(sent(dial).at(-1)).toMatchObject({ type: 'refuse', reason: 'identity' });
    expect(bench.reports).toEqual([]);
    expect(bench.endpoint.counters.closedFor).toEqual({ identity: 1 });
  });

  it('an id keeps the name that it was first seen with', () => {
    const bench = new Bench();
    const first = accepted(bench, new Certificate('mayor'));
    first.frame(hello(LOWER, { name: 'mayor' }));
    first.frame({ type: 'ready', answer: undefined });
    expect(first.state).toBe('established');
    const second = accepted(bench, new Certificate('liar'));
    second.frame(hello(LOWER, { name: 'liar' }));
    expect(sent(second)).toEqual([
      {
        type: 'refuse',
        reason: 'identity',
        detail: `the id ${LOWER} belongs to a node that is not called "liar"`,
      },
    ]);
    expect(first.state).toBe('established');
  });

  it('the node above has a word, and learns the name that is proven', () => {
    const bench = new Bench();
    const asked: unknown[] = [];
    bench.identify = (peer?: unknown) => (asked.push(peer), 'it is another');
    const link = accepted(bench, new Certificate('mayor'));
    link.frame(hello(LOWER, { name: 'mayor' }));
    expect(sent(link)).toEqual([{ type: 'refuse', reason: 'identity', detail: 'it is another' }]);
    expect(asked).toEqual([{ id: LOWER, address: { host: '10.0.0.2', port: 2 }, provenName: 'mayor' }]);
  });
});

describe('where connections prove no names', () => {
  it.each([undefined, key])('a name is only a name', (credentials) => {
    const bench = new Bench();
    bench.identify = () => 'never asked';
    const link = accepted(bench, credentials);
    link.frame(hello(LOWER, { name: 'mayor' }));
    expect(sent(link)[0]).toMatchObject({ type: 'welcome', name: 'own' });
    expect(link.proven).not.toHaveProperty('provenName');
  });
});

describe('two that have one id, where nothing proves which is right', () => {
  const [real, fake] = [
    { host: '10.0.0.2', port: 2 },
    { host: '10.0.0.3', port: 3 },
  ];

  it('the newer one is refused, if the node above does not know better', () => {
    const bench = new Bench();
    const first = establishedAt(bench, fake);
    const second = accepted(bench, undefined);
    second.frame(hello(LOWER, { address: real }));
    expect(sent(second)).toMatchObject([{ type: 'refuse', reason: 'duplicate-id' }]);
    expect(first.state).toBe('established');
  });

  it('the one that the node above holds there is let in, and the other has to go', () => {
    const bench = new Bench();
    bench.holds = (peer?: unknown) => (peer as { address: typeof real }).address.port === real.port;
    const first = establishedAt(bench, fake);
    const second = accepted(bench, undefined);
    second.frame(hello(LOWER, { address: real }));
    expect(sent(first).at(-1)).toEqual({ type: 'goodbye', reason: 'replaced' });
    expect(sent(second)).toMatchObject([{ type: 'welcome' }]);
  });
});

describe('a good-bye', () => {
  it.each([
    ['of the recipient itself settles what waits for it', { host: '10.0.0.2', port: 2 }, 1],
    ['in its name, from where this node dialled a stranger, does not', { host: '10.0.0.66', port: 6 }, 0],
  ])('%s', (_, address, expected) => {
    const bench = new Bench();
    let settled = 0;
    const to = { id: HIGHER, address: { host: '10.0.0.2', port: 2 } };
    bench.endpoint.send(to, new Waiting(() => settled++));
    bench.endpoint.cast({ id: undefined, address }, { body: 'x', unsent: undefined }, 'kept');
    const dial = bench.dials.at(-1)!;
    dial.opened(new FakeLink());
    dial.frame(welcome(HIGHER));
    expect(dial.state).toBe('established');
    dial.frame({ type: 'goodbye', reason: 'left' });
    expect(settled).toBe(expected);
  });
});

describe('connections that could not be secured', () => {
  it('are one line for each cause, so that none hides another, and all are counted', () => {
    const bench = new Bench();
    const causes = ['its certificate has expired', 'TLS failed (NOISE)'];
    for (let i = 0; i < 50; i++) {
      for (const cause of causes)
        accepted(bench, undefined).closed(new HandshakeError(`10.0.0.${i}:7`, 'security', cause));
      const name = i.toString(16).padStart(16, '0');
      accepted(bench, undefined).closed(
        new HandshakeError('10.0.0.9:7', 'security', `it offers the key ${name}`),
      );
    }
    expect(bench.warnings).toHaveLength(3);
    expect(bench.warnings.join()).toMatch(/has expired.*NOISE.*offers the key/);
    expect(bench.endpoint.counters.closedFor).toEqual({ security: 150 });
  });
});

describe('credentials that do not count any more', () => {
  it('close their links with a goodbye, those under way at once, and no others', () => {
    const bench = new Bench();
    const [old, other, stranger, dialling] = ['a', 'b', 'c', 'd'].map((name) => new Certificate(name)) as [
      Certificate,
      Certificate,
      Certificate,
      Certificate,
    ];
    const established = accepted(bench, old);
    established.frame(hello(LOWER, { name: 'a' }));
    established.frame({ type: 'ready', answer: undefined });
    const kept = accepted(bench, other);
    kept.frame(hello(HIGHER, { name: 'b', wanted: OWN }));
    kept.frame({ type: 'ready', answer: undefined });
    const silent = accepted(bench, stranger);
    bench.endpoint.cast(
      { id: undefined, address: { host: '10.0.0.9', port: 9 } },
      { body: 'x', unsent: undefined },
      'kept',
    );
    const dial = bench.dials.at(-1)!;
    dial.opened(new FakeLink(dialling));
    for (const each of [old, stranger, dialling]) each.isCurrent = false;
    bench.endpoint.revalidate();
    expect(sent(established).at(-1)).toEqual({ type: 'goodbye', reason: 'reset' });
    expect([silent, dial].map(({ raw }) => (raw as FakeLink).closed)).toEqual(['destroy', 'destroy']);
    expect(kept.state).toBe('established');
    expect(bench.endpoint.counters.closedFor).toEqual({ revoked: 3 });
  });
});

class Waiting extends OutgoingMessage {
  constructor(readonly heard: () => void) {
    super(new Uint8Array(1), 0, 0, new Uint8Array(0), 0, false);
  }

  settled(): void {
    this.heard();
  }
}

function accepted(bench: Bench, credentials: LinkCredentials | undefined): PeerLink {
  return bench.endpoint.accept(new FakeLink(credentials)) as PeerLink;
}

function establishedAt(bench: Bench, address: { host: string; port: number }): PeerLink {
  const link = accepted(bench, undefined);
  link.frame(hello(LOWER, { address }));
  link.frame({ type: 'ready', answer: undefined });
  return link;
}

function opened(bench: Bench, id: NodeId, credentials: LinkCredentials): PeerLink {
  const dial = bench.dialTo(id);
  dial.opened(new FakeLink(credentials));
  return dial;
}

function sent(link: PeerLink) {
  return (link.raw as FakeLink).sent;
}

import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import type { Frame } from '../../../src/transport/session/frame.js';
import type { LinkState, PeerLink } from '../../../src/transport/session/peer-link.js';
import { Bench, FakeLink, HIGHER, hello, LOWER, OWN, welcome } from './fakes.js';

const READY: Frame = { type: 'ready', answer: undefined };
const REFUSE: Frame = { type: 'refuse', reason: 'limit', detail: '' };
const GOODBYE: Frame = { type: 'goodbye', reason: 'idle' };
const REPLACED: Frame = { type: 'goodbye', reason: 'replaced' };

/** Brings a link into a state; the peer is the lower node unless the state needs another. */
const REACH: Record<LinkState, (bench: Bench) => PeerLink> = {
  connecting: (bench) => bench.dialTo(LOWER),
  'hello-sent': (bench) => bench.openedTo(LOWER),
  'awaiting-hello': (bench) => bench.accepted(),
  held: (bench) => {
    bench.openedTo(LOWER);
    return given(bench.accepted(), hello(LOWER));
  },
  misdirected: (bench) => given(bench.accepted(), hello(LOWER, { wanted: HIGHER })),
  'welcome-sent': (bench) => given(bench.accepted(), hello(LOWER)),
  established: (bench) => given(REACH['welcome-sent'](bench), READY),
  ended: (bench) => given(REACH.established(bench), GOODBYE),
};

type Input = (bench: Bench, link: PeerLink) => void;

const frame =
  (...frames: Frame[]): Input =>
  (_, link) => {
    given(link, ...frames);
  };
const deadline: Input = (_, link) => link.fired();
const end: Input = (_, link) => link.closed();

/** What each cell of the column "input" does; several ways for cells that name several inputs. */
const INPUTS: Record<string, readonly Input[]> = {
  connection: [(_, link) => link.opened(new FakeLink())],
  'dial fails': (['refused', 'silent', 'local'] as const).map((report) => (_: Bench, link: PeerLink) => {
    link.failed(report, undefined);
  }),
  'hello of the peer on the lane': [(bench) => given(bench.accepted(), hello(LOWER))],
  'welcome by the wanted id': [frame(welcome(LOWER))],
  'welcome by another id': [frame(welcome(HIGHER))],
  'own hello comes back': [frame(hello(OWN))],
  refuse: [frame(REFUSE)],
  'goodbye `replaced`': [frame(REPLACED)],
  'end, deadline': [end, deadline],
  hello: [frame(hello(LOWER)), frame(hello(LOWER, { purpose: 'verify' }))],
  'hello, own dial is `hello-sent`, own id lower': [
    (bench, link) => {
      bench.openedTo(HIGHER);
      given(link, hello(HIGHER));
    },
  ],
  'hello, own dial is `hello-sent`, own id higher': [
    (bench, link) => {
      bench.openedTo(LOWER);
      given(link, hello(LOWER));
    },
  ],
  'hello that wants another id': [frame(hello(LOWER, { wanted: HIGHER }))],
  objection: [
    frame(hello(LOWER, { clusterName: 'other' })),
    frame(hello(LOWER, { minVersion: 2, maxVersion: 3 })),
    frame(hello(OWN)),
    frame(hello(LOWER, { purpose: 'payload' })),
    frame(hello(LOWER, { purpose: 'payload', serializer: 'x', offer: { epoch: 0, firstUnacked: 0 } })),
  ],
  'own dial ends without a link': [
    (bench) => given(bench.dials[0]!, REPLACED),
    (bench) => bench.dials[0]!.fired(),
    (bench) => bench.dials[0]!.closed(),
  ],
  'own dial is established': [(bench) => given(bench.dials[0]!, welcome(LOWER))],
  'goodbye, end, deadline': [frame(GOODBYE), end, deadline],
  ready: [frame(READY)],
  'refuse, goodbye, end': [frame(REFUSE), frame(GOODBYE), end],
  deadline: [deadline],
  'another hello of the peer on the lane': [(bench) => given(bench.accepted(), hello(LOWER))],
  goodbye: [frame(GOODBYE), frame(REPLACED)],
  end: [end],
  'a newer link takes the lane': [
    (bench) => {
      given(bench.accepted(), hello(LOWER), READY);
    },
    (bench) => given(bench.openedTo(LOWER, 'fresh'), welcome(LOWER)),
  ],
};

interface Row {
  readonly state: LinkState;
  readonly input: string;
  readonly next: LinkState;
  readonly effect: string;
}

/** The table is part of the documentation. */
function rows(): Row[] {
  const table = /### Link states\n([\s\S]*?)\n#/.exec(readFileSync('docs/PROTOCOL.md', 'utf8'))![1]!;
  const cells = table
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|').map((cell) => cell.trim()));
  return cells.map(([, state, input, next, effect]) => ({
    state: state!.replaceAll('`', '') as LinkState,
    input: input!,
    next: next!.replaceAll('`', '') as LinkState,
    effect: effect!,
  }));
}

function given(link: PeerLink, ...frames: Frame[]): PeerLink {
  for (const each of frames) link.frame(each);
  return link;
}

describe('the table of link states', () => {
  it('is there, and leaves out no state', () => {
    expect(new Set(rows().map(({ state }) => state))).toEqual(
      new Set(Object.keys(REACH).filter((state) => state !== 'ended')),
    );
  });

  it.each(rows())('$state: $input → $next', ({ state, input, next, effect }) => {
    const ways = INPUTS[input];
    expect(ways).toBeDefined();
    for (const way of ways!) {
      const bench = new Bench();
      const link = REACH[state](bench);
      expect(link.state).toBe(state);
      const before = bench.reports.length;
      way(bench, link);
      expect(link.state).toBe(next);
      // What another link did meanwhile is reported, too, and has a row of its own.
      if (/own dial|newer link/.test(input)) continue;
      for (const report of bench.reports.slice(before)) expect(effect).toContain(`\`${report}\``);
    }
  });

  it.each(Object.keys(REACH) as LinkState[])(
    '%s: a frame that does not belong there ends the link',
    (state) => {
      if (state === 'ended' || state === 'connecting') return;
      const bench = new Bench();
      const link = REACH[state](bench);
      given(link, { type: 'ack', expected: 0 });
      expect(link.state).toBe('ended');
      expect(bench.endpoint.counters.closedFor).toEqual({ 'unexpected-frame': 1 });
    },
  );
});

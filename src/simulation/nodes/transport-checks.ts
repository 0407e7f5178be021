import type { SessionTransport } from '../../transport/session-transport.js';
import type { SESSION_PATHS } from '../invariants/sometimes.js';
import type { Findings } from './findings.js';
import type { Process } from './process.js';

/**
 * Why links may end: the network's fault, a node that was stopped, somebody who is dead or renewed. Any other word
 * means that a node broke the rules of the session.
 */
const HARMLESS = new Set([
  'ack-timeout',
  'handshake-timeout',
  'handshake-aborted',
  'left',
  'self',
  'duplicate-id',
]);

interface Watched {
  readonly transport: SessionTransport;
  readonly process: Process;
}

/** The books of every transport: credit never below zero, nothing over its limit, nothing left when all is done. */
export class TransportChecks {
  readonly #all: Watched[] = [];

  constructor(private readonly findings: Findings) {}

  add(transport: SessionTransport, process: Process): void {
    this.#all.push({ transport, process });
  }

  /** How often interesting paths were taken, in all transports together. */
  get sometimes(): Readonly<Record<(typeof SESSION_PATHS)[number], number>> {
    const sum = { resumed: 0, unknown: 0, unknownInFlight: 0, creditReturned: 0, crossedDials: 0 };
    for (const { transport } of this.#all) {
      for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += transport.counters[name];
    }
    return {
      'session resumed': sum.resumed,
      'session found unknown': sum.unknown,
      'session found unknown with something in flight': sum.unknownInFlight,
      'credit exhausted and returned': sum.creditReturned,
      'dials crossed': sum.crossedDials,
    };
  }

  /** @param options.isCalm everything has settled, so nothing may be left in the books */
  look(options: { readonly isCalm: boolean }): void {
    for (const complaint of this.complaints(options)) this.findings.add('books', complaint);
    for (const { transport, process } of this.#all) {
      if (process.end !== 'none') continue;
      for (const word of Object.keys(transport.counters.closedFor)) {
        if (!HARMLESS.has(word))
          this.findings.add('session-rules', `${process.name} closed a link for "${word}"`);
      }
    }
  }

  /** All is at rest: the two sides of each session have counted the same. */
  compare(): void {
    const running = this.#all.filter(({ process }) => process.end === 'none');
    for (const { transport: sender, process } of running) {
      for (const { transport: receiver, process: other } of running) {
        for (const what of sender.differences(receiver))
          this.findings.add('books', `the session from ${process.name} to ${other.name}: ${what}`);
      }
    }
  }

  /** What is wrong with the books of those that run. */
  complaints(options: { readonly isCalm: boolean }): readonly string[] {
    return this.#all
      .filter(({ process }) => process.end === 'none')
      .flatMap(({ transport, process }) =>
        transport.audit(options).map((what) => `${what}, at ${process.name}`),
      );
  }

  /** Every node has closed, those that left before included. */
  closed(): void {
    for (const { transport, process } of this.#all) {
      if (process.end !== 'none') continue;
      const { sockets } = transport.stats;
      if (sockets > 0) this.findings.add('leak', `${sockets} links of ${process.name} have survived its end`);
      if (transport.peerCount > 0)
        this.findings.add('leak', `${process.name} keeps ${transport.peerCount} peers after its end`);
    }
  }
}

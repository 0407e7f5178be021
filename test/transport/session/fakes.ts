import { createNodeId, type NodeId } from '../../../src/node-id.js';
import type { Dial, DialOutcome, Link, LinkCredentials } from '../../../src/transport/link.js';
import { Endpoint } from '../../../src/transport/session/endpoint.js';
import type { Frame, HelloFrame, WelcomeFrame } from '../../../src/transport/session/frame.js';
import { DEFAULT_DEADLINES, DEFAULT_LIMITS } from '../../../src/transport/session/limits.js';
import type { PeerLink } from '../../../src/transport/session/peer-link.js';
import type { SessionTimer, SessionWorld } from '../../../src/transport/session/world.js';

const NOTHING = new Uint8Array(0);
const ADDRESS = { host: '10.0.0.1', port: 1 };
const PEER_ADDRESS = { host: '10.0.0.2', port: 2 };

/** Three ids in order: a lower one, ours, a higher one. */
export const [LOWER, OWN, HIGHER] = [1, 2, 3].map((ms) => createNodeId(ms, new Uint8Array(10))) as [
  NodeId,
  NodeId,
  NodeId,
];

/** A link that only remembers what it was given. */
export class FakeLink implements Link {
  readonly remote = '10.0.0.2:2';
  readonly bufferedBytes = 0;
  readonly sent: Frame[] = [];
  closed: 'end' | 'destroy' | undefined;

  constructor(readonly credentials?: LinkCredentials) {}

  get flushedFrames(): number {
    return this.sent.length;
  }

  send(frame: Frame): boolean {
    this.sent.push(frame);
    return true;
  }

  allowFrames(): void {}
  established(): void {}

  end(): void {
    this.closed ??= 'end';
  }

  abort(): void {
    this.destroy();
  }

  destroy(): void {
    this.closed ??= 'destroy';
  }
}

/** An endpoint in a world where nothing happens by itself: the test gives each input. */
export class Bench implements SessionWorld {
  readonly endpoint: Endpoint;
  readonly dials: PeerLink[] = [];
  readonly reports: string[] = [];
  readonly refusals: string[] = [];
  readonly warnings: string[] = [];
  duplicates = 0;
  introduction: 'grant' | 'wait' = 'grant';

  constructor() {
    this.endpoint = new Endpoint(this, {
      clusterName: 'test',
      id: OWN,
      name: 'own',
      serializer: '',
      versions: { min: 1, max: 1 },
      limits: DEFAULT_LIMITS,
      deadlines: DEFAULT_DEADLINES,
    });
    this.endpoint.advertised = ADDRESS;
  }

  /** Casts to a peer; the dial that this starts. */
  dialTo(id: NodeId, via: 'kept' | 'fresh' = 'kept'): PeerLink {
    this.endpoint.cast({ id, address: PEER_ADDRESS }, { body: 'x', unsent: undefined }, via);
    return this.dials.at(-1)!;
  }

  /** A dial that has its connection. */
  openedTo(id: NodeId, via?: 'kept' | 'fresh'): PeerLink {
    const dial = this.dialTo(id, via);
    dial.opened(new FakeLink());
    return dial;
  }

  accepted(): PeerLink {
    return this.endpoint.accept(new FakeLink()) as PeerLink;
  }

  // --- the world ---

  now(): number {
    return 0;
  }
  random(): number {
    return 0.5;
  }
  dial(_address: unknown, _timeoutMs: number, outcome: DialOutcome): Dial {
    this.dials.push(outcome as PeerLink);
    return { cancel: () => {} };
  }
  after(_delayMs: number, _timer: SessionTimer): void {}
  cancel(): void {}
  turn(): void {}
  record(): Uint8Array {
    return NOTHING;
  }
  holds(_peer?: unknown): boolean {
    return false;
  }

  identify(_peer?: unknown): string | undefined {
    return undefined;
  }

  introduce(): 'grant' | 'wait' {
    return this.introduction;
  }
  protocolMessage(): void {}
  link(_about: unknown, report: string): void {
    this.reports.push(report);
  }
  receive(): 'held' {
    return 'held';
  }
  duplicateId(): void {
    this.duplicates++;
  }
  refused(_peer: unknown, error: Error): void {
    this.refusals.push(error.message);
  }
  unsent(notify: () => void): void {
    notify();
  }
  warn(line?: string): void {
    if (line !== undefined) this.warnings.push(line);
  }
  debug(): void {}
}

export function hello(id: NodeId, fields: Partial<HelloFrame> = {}): HelloFrame {
  return {
    type: 'hello',
    purpose: 'protocol',
    minVersion: 1,
    maxVersion: 1,
    clusterName: 'test',
    id,
    address: PEER_ADDRESS,
    wanted: OWN,
    serializer: '',
    record: NOTHING,
    offer: undefined,
    name: 'peer',
    ...fields,
  };
}

export function welcome(id: NodeId): WelcomeFrame {
  return {
    type: 'welcome',
    version: 1,
    id,
    address: PEER_ADDRESS,
    record: NOTHING,
    answer: undefined,
    offer: undefined,
    name: 'peer',
  };
}

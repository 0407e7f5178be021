import { createNodeId } from '../../../src/node-id.js';
import type { NodeId } from '../../../src/node-id.js';
import { formatAddress } from '../../../src/address.js';
import type { Address } from '../../../src/address.js';
import type { MembershipEvent, MembershipEventType } from '../../../src/membership/membership.js';
import type {
  Peer,
  ProtocolNotice,
  ProtocolSendOptions,
  ProtocolTimer,
  TraceEvent,
  World,
} from '../../../src/membership/protocol.js';
import type { SwimMessage } from '../../../src/membership/swim/messages.js';
import { resolveSwimOptions } from '../../../src/membership/swim/options.js';
import type { SwimOverrides, SwimPreset } from '../../../src/membership/swim/options.js';
import { Swim } from '../../../src/membership/swim/swim.js';

/**
 * A few nodes in virtual time, with links that behave like TCP's: refused where nobody listens, silent across a cut,
 * closed when a process dies. For unit tests of the protocol alone; the simulator does this at scale.
 */
export class Cluster {
  nowMs = 0;
  readonly nodes = new Map<string, Node>();
  readonly #due: Due[] = [];
  readonly #cuts = new Set<string>();
  readonly latencyMs: number;
  readonly dialTimeoutMs = 2000;
  #sequence = 0;
  #state: number;

  constructor(seed = 1, latencyMs = 1) {
    this.#state = seed;
    this.latencyMs = latencyMs;
  }

  /** mulberry32. */
  readonly random = (): number => {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };

  add(name: string, options: NodeOptions = {}): Node {
    const node = new Node(this, name, options);
    this.nodes.set(name, node);
    node.swim.start();
    return node;
  }

  /** `count` nodes named a, b, c … that have all joined through the first. */
  static formed(count: number, options: NodeOptions = {}, seed = 1): Cluster {
    const cluster = new Cluster(seed);
    for (let i = 0; i < count; i++) {
      const node = cluster.add(String.fromCharCode(97 + i), options);
      if (i > 0) node.swim.join([cluster.get('a').address]);
      cluster.run(50);
    }
    cluster.runUntil(() => [...cluster.nodes.values()].every((node) => node.active.length === count), 60_000);
    return cluster.run(5000);
  }

  get(name: string): Node {
    return this.nodes.get(name)!;
  }

  at(delayMs: number, action: () => void): Due {
    const due = { atMs: this.nowMs + delayMs, sequence: this.#sequence++, action };
    this.#due.push(due);
    return due;
  }

  run(ms: number): this {
    const untilMs = this.nowMs + ms;
    for (let next = this.#next(untilMs); next !== undefined; next = this.#next(untilMs)) {
      this.nowMs = next.atMs;
      next.action();
    }
    this.nowMs = untilMs;
    return this;
  }

  /** Runs until something holds; fails the test when it does not in time. Returns how long it took. */
  runUntil(holds: () => boolean, withinMs: number): number {
    const startedMs = this.nowMs;
    while (!holds()) {
      if (this.nowMs - startedMs > withinMs) throw new Error(`did not happen within ${withinMs} ms`);
      this.run(10);
    }
    return this.nowMs - startedMs;
  }

  /** Nothing passes between two nodes any more, nor do dials; links stay "established". */
  cut(a: string, b: string): this {
    this.#cuts.add(pair(a, b));
    return this;
  }

  heal(a?: string, b?: string): this {
    if (a === undefined || b === undefined) this.#cuts.clear();
    else this.#cuts.delete(pair(a, b));
    return this;
  }

  isCut(a: Node, b: Node): boolean {
    return this.#cuts.has(pair(a.name, b.name));
  }

  /** SIGKILL: the kernel closes the sockets, the port refuses. */
  kill(name: string): this {
    const dead = this.get(name);
    dead.dead = true;
    dead.swim.stop();
    for (const peer of dead.links) {
      peer.links.delete(dead);
      if (!this.isCut(peer, dead)) this.at(this.latencyMs, () => peer.link(dead.peer, 'closed'));
    }
    dead.links.clear();
    return this;
  }

  /** SIGSTOP: connects are taken by the kernel, nothing is answered. */
  freeze(name: string): this {
    this.get(name).frozen = true;
    return this;
  }

  thaw(name: string): this {
    const node = this.get(name);
    node.frozen = false;
    for (const action of node.backlog.splice(0)) action();
    return this;
  }

  listening(address: Address): Node | undefined {
    for (const node of this.nodes.values()) {
      if (!node.dead && formatAddress(node.address) === formatAddress(address)) return node;
    }
    return undefined;
  }

  #next(untilMs: number): Due | undefined {
    let best = -1;
    for (let i = 0; i < this.#due.length; i++) {
      const due = this.#due[i]!;
      if (due.atMs > untilMs) continue;
      const leader = this.#due[best];
      if (
        leader === undefined ||
        due.atMs < leader.atMs ||
        (due.atMs === leader.atMs && due.sequence < leader.sequence)
      )
        best = i;
    }
    return best === -1 ? undefined : this.#due.splice(best, 1)[0];
  }
}

export interface NodeOptions {
  readonly preset?: SwimPreset;
  readonly overrides?: SwimOverrides;
  readonly address?: Address;
}

interface Due {
  readonly atMs: number;
  readonly sequence: number;
  action: () => void;
}

/** One node of a {@link Cluster}: the protocol, and the world that it lives in. */
export class Node implements World<SwimMessage> {
  readonly id: NodeId;
  readonly address: Address;
  readonly swim: Swim;
  readonly events: MembershipEvent[] = [];
  readonly notices: ProtocolNotice[] = [];
  readonly traces: TraceEvent[] = [];
  readonly sent: {
    readonly to: Peer;
    readonly message: SwimMessage;
    readonly via: string;
    readonly atMs: number;
  }[] = [];
  readonly links = new Set<Node>();
  readonly backlog: (() => void)[] = [];
  readonly resets: NodeId[] = [];
  dead = false;
  frozen = false;
  /** Refuses every dial, as a firewall's REJECT does; links that are there go on. */
  rejecting = false;
  /** Nodes to which no dial from here gets through; links that are there go on. */
  readonly cannotDial = new Set<Node>();
  readonly #timers = new Map<string, Due>();

  constructor(
    readonly cluster: Cluster,
    readonly name: string,
    options: NodeOptions,
  ) {
    const number = cluster.nodes.size + 1;
    const bytes = Uint8Array.from({ length: 10 }, (_, i) =>
      i === 0 ? number : Math.floor(cluster.random() * 256),
    );
    this.id = createNodeId(1_000_000 + number, bytes);
    this.address = options.address ?? { host: `10.0.0.${number}`, port: 7946 };
    this.swim = new Swim(
      resolveSwimOptions(options.preset ?? 'lan', options.overrides),
      {
        id: this.id,
        name,
        address: this.address,
        metadata: {},
        health: 'ok',
        startedAtMs: 1_000_000 + number,
        minVersion: 1,
        maxVersion: 1,
      },
      this,
    );
  }

  get peer(): { readonly id: NodeId; readonly address: Address } {
    return { id: this.id, address: this.address };
  }

  /** Names of the active members, this one included. */
  get active(): string[] {
    return this.swim.view.members.map((member) => member.name).sort();
  }

  state(name: string): string | undefined {
    return this.swim.member(this.cluster.get(name).id)?.state;
  }

  /** What this node has seen happen to another. */
  eventsAbout(name: string): MembershipEventType[] {
    const { id } = this.cluster.get(name);
    return this.events.filter((event) => event.member.id === id).map((event) => event.type);
  }

  noticed(type: ProtocolNotice['type']): boolean {
    return this.notices.some((notice) => notice.type === type);
  }

  count(counter: string): number {
    return this.swim.counters[counter] ?? 0;
  }

  // --- World ---

  readonly now = (): number => this.cluster.nowMs;
  readonly epochMs = (): number => 1_700_000_000_000 + this.cluster.nowMs;
  readonly random = (): number => this.cluster.random();
  readonly trace = (event: TraceEvent): void => void this.traces.push(event);
  readonly emit = (event: MembershipEvent): void => void this.events.push(event);
  readonly notice = (notice: ProtocolNotice): void => void this.notices.push(notice);

  send(to: Peer, message: SwimMessage, options: ProtocolSendOptions = {}): void {
    const via = options.via ?? 'kept';
    this.sent.push({ to, message, via, atMs: this.cluster.nowMs });
    const linked = [...this.links].find((node) =>
      to.id === undefined ? sameHost(node, to) : node.id === to.id,
    );
    if (via === 'kept' && linked !== undefined) return this.#deliver(linked, message);
    this.#dial(to, message, via, options.token);
  }

  after(delayMs: number, timer: ProtocolTimer): void {
    const key = keyOf(timer);
    const due = this.cluster.at(delayMs, () => {
      this.#timers.delete(key);
      this.#act(() => this.swim.timer(timer, 0));
    });
    this.#timers.set(key, due);
  }

  afterPoll(timer: ProtocolTimer): void {
    this.after(0, timer);
  }

  cancel(timer: ProtocolTimer): void {
    const due = this.#timers.get(keyOf(timer));
    if (due !== undefined) due.action = () => {};
    this.#timers.delete(keyOf(timer));
  }

  resetLink(id: NodeId): void {
    this.resets.push(id);
    for (const node of this.links) {
      if (node.id !== id) continue;
      this.links.delete(node);
      node.links.delete(this);
    }
  }

  /** How many timers are set. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** What the transport tells of a link. */
  link(about: Peer, evidence: Parameters<Swim['link']>[1], by?: NodeId): void {
    this.#act(() => this.swim.link(about, evidence, by));
  }

  #deliver(to: Node, message: SwimMessage): void {
    this.cluster.at(this.cluster.latencyMs, () => {
      if (to.dead || this.cluster.isCut(this, to)) return;
      to.#act(() => to.swim.receive(this.peer, message));
    });
  }

  #dial(to: Peer, message: SwimMessage, via: string, token: number | undefined): void {
    const { cluster } = this;
    const target = cluster.listening(to.address);
    const fail = (delayMs: number, evidence: 'refused' | 'silent' | 'replaced', by?: NodeId): void => {
      cluster.at(delayMs, () => {
        this.link(to, evidence, by);
        if (token !== undefined) this.#act(() => this.swim.unsent(token));
      });
    };
    const buried = [...cluster.nodes.values()].find((node) => sameHost(node, to));
    if (buried !== undefined && cluster.isCut(this, buried)) return fail(cluster.dialTimeoutMs, 'silent');
    if (target === undefined || target.rejecting) return fail(cluster.latencyMs, 'refused');
    if (target === this || target.frozen || this.cannotDial.has(target))
      return fail(cluster.dialTimeoutMs, 'silent');
    if (to.id !== undefined && target.id !== to.id) return fail(2 * cluster.latencyMs, 'replaced', target.id);
    if (via !== 'verify' && !this.links.has(target)) {
      this.links.add(target);
      target.links.add(this);
      cluster.at(cluster.latencyMs, () => this.link(target.peer, 'up'));
      cluster.at(cluster.latencyMs, () => target.link(this.peer, 'up'));
    }
    this.#deliver(target, message);
  }

  #act(action: () => void): void {
    if (this.dead) return;
    if (this.frozen) this.backlog.push(action);
    else action();
  }
}

function sameHost(node: Node, peer: Peer): boolean {
  return formatAddress(node.address) === formatAddress(peer.address);
}

function keyOf(timer: ProtocolTimer): string {
  return `${timer.kind} ${timer.token}`;
}

function pair(a: string, b: string): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}

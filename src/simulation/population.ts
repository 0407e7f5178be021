import type { Address } from '../address.js';
import { clip } from '../errors.js';
import type { MemberState } from '../membership/membership.js';
import { createNodeId, type NodeId } from '../node-id.js';
import type { View } from '../membership/view.js';
import type { Random } from './random.js';
import { EPOCH_MS, SimulatedNode, type ProtocolFactory } from './simulated-node.js';
import { SimulationError } from './simulation-error.js';
import type { Surroundings } from './surroundings.js';

const PORT = 7946;
/** In the message about a name that no node has. */
const NAMES_TOLD = 26;

/** The nodes of a simulation and the processes that they have had. */
export class Population<M> {
  readonly #around: Surroundings<M>;
  readonly #random: Random;
  readonly #protocol: ProtocolFactory<M>;
  /** All processes of each node, the running or last one at the end. */
  readonly #processes = new Map<string, SimulatedNode<M>[]>();
  /** Processes at another one's address. */
  readonly #twins = new Set<SimulatedNode<M>>();
  #running: SimulatedNode<M>[] | undefined;
  /** Who said no last: asked first next time. */
  #dissenter: SimulatedNode<M> | undefined;
  /** Views that were found to hold exactly the running processes, all alive. */
  #agreeing = new WeakSet<View>();

  constructor(around: Surroundings<M>, random: Random, protocol: ProtocolFactory<M>) {
    this.#around = around;
    this.#random = random;
    this.#protocol = protocol;
  }

  /** Names of all nodes, running or not. */
  get names(): readonly string[] {
    return [...this.#processes.keys()];
  }

  has(name: string): boolean {
    return this.#processes.has(name);
  }

  /** A node's running or last process; `c#1` is its first. */
  node(name: string): SimulatedNode<M> {
    // From JavaScript, anything may come.
    const [node, number] = typeof name === 'string' ? name.split('#') : [];
    const processes = this.#processes.get(node!);
    const process =
      number === undefined
        ? processes?.findLast((each) => !this.#twins.has(each))
        : processes?.[Number(number) - 1];
    if (process === undefined) throw new SimulationError(this.strangerIs(name));
    return process;
  }

  /** What to say about a name that no node has. */
  strangerIs(name: string): string {
    const { names } = this;
    const more = names.length > NAMES_TOLD ? ` … ${names.at(-1)!}` : '';
    return `There is no node "${clip(name)}"; there are ${names.slice(0, NAMES_TOLD).join(', ')}${more}`;
  }

  /** The processes that run, frozen ones included. */
  get running(): readonly SimulatedNode<M>[] {
    return (this.#running ??= [...this.#processes.values()].flat().filter(({ isRunning }) => isRunning));
  }

  /** Addresses that a newcomer would be told of. */
  seeds(count: number): readonly Address[] {
    return this.running.slice(0, count).map(({ self }) => self.address);
  }

  /** A new node, with an address of its own. */
  add(): SimulatedNode<M> {
    const index = this.#processes.size;
    return this.#start(nameOf(index), addressOf(index));
  }

  /** The next process of a node. */
  restart(name: string): SimulatedNode<M> {
    return this.#start(name, this.node(name).self.address);
  }

  /** A second process at a node's address, beside the first. */
  addTwin(name: string): SimulatedNode<M> {
    const twin = this.#start(name, this.node(name).self.address);
    this.#twins.add(twin);
    return twin;
  }

  /** Second processes that run. */
  twins(): readonly SimulatedNode<M>[] {
    return [...this.#twins].filter(({ isRunning }) => isRunning);
  }

  /** A process has ended. */
  ended(): void {
    this.#running = undefined;
    this.#agreeing = new WeakSet();
  }

  /** Whether it is so at every running process that is not frozen. */
  every(holds: (node: SimulatedNode<M>) => boolean): boolean {
    const dissents = (node: SimulatedNode<M>) => node.isRunning && !node.isFrozen && !holds(node);
    if (this.#dissenter !== undefined && dissents(this.#dissenter)) return false;
    this.#dissenter = this.running.find(dissents);
    return this.#dissenter === undefined;
  }

  /** Whether each of them holds exactly the running ones, all alive. */
  get agrees(): boolean {
    return this.every((node) => this.#holdsAll(node));
  }

  /** Whether every other one holds this one so. */
  everyoneHolds(id: NodeId, state: MemberState): boolean {
    return this.every((node) => node.id === id || node.protocol.member(id)?.state === state);
  }

  /** A view never changes, so one look at each is enough as long as the same processes run. */
  #holdsAll({ protocol }: SimulatedNode<M>): boolean {
    const { view } = protocol;
    if (this.#agreeing.has(view)) return true;
    const { running } = this;
    for (const { id } of running) if (protocol.member(id)?.state !== 'alive') return false;
    if (view.members.length !== running.length) return false;
    this.#agreeing.add(view);
    return true;
  }

  #start(name: string, address: Address): SimulatedNode<M> {
    const processes = this.#processes.get(name) ?? [];
    this.#processes.set(name, processes);
    const number = processes.length + 1;
    const startedAtMs = EPOCH_MS + Math.floor(this.#around.clock.now());
    const local = {
      id: createNodeId(startedAtMs, this.#random.bytes(10)),
      name,
      address,
      metadata: {},
      health: 'ok',
      startedAtMs,
      minVersion: 1,
      maxVersion: 1,
    } as const;
    const processName = number === 1 ? name : `${name}#${number}`;
    const node = new SimulatedNode(processName, local, this.#around, this.#random.fork(), this.#protocol);
    processes.push(node);
    // In the order of the nodes: only the first process of the newest one surely comes last.
    if (number === 1) this.#running?.push(node);
    else this.#running = undefined;
    this.#agreeing = new WeakSet();
    node.tell((protocol) => protocol.start());
    return node;
  }
}

/** a, b … z, aa, ab … */
function nameOf(index: number): string {
  const letter = String.fromCharCode(0x61 + (index % 26));
  return index < 26 ? letter : nameOf(Math.floor(index / 26) - 1) + letter;
}

/** Each node has a host of its own. */
function addressOf(index: number): Address {
  return { host: `10.0.${index >> 8}.${index & 0xff}`, port: PORT };
}

import { formatAddress } from '../address.js';
import type { Timer } from '../clock.js';
import type { Population } from './population.js';
import type { Fault } from './scenarios/fault.js';
import { contradictionIn, namesIn } from './scenarios/fault-names.js';
import type { SimulatedNode } from './simulated-node.js';
import { SimulationError } from './simulation-error.js';
import type { Surroundings } from './surroundings.js';

/** How many members a new process is told of, as a discovery would. */
export const SEEDS = 3;

/** Does to a cluster what a {@link Fault} says. */
export class Faults<M> {
  readonly #around: Surroundings<M>;
  readonly #population: Population<M>;
  /** The next change of each pair of hosts that flaps. */
  readonly #flapping = new Map<string, Timer>();

  constructor(around: Surroundings<M>, population: Population<M>) {
    this.#around = around;
    this.#population = population;
  }

  /** @throws SimulationError when it makes no sense now */
  inject(fault: Fault): void {
    const objection = this.objectionTo(fault);
    if (objection !== undefined) throw new SimulationError(objection);
    const { journal, watchers } = this.#around;
    if (journal.isRead) journal.write('*', `fault ${JSON.stringify(fault)}`);
    for (const check of watchers.fault) check.fault(fault);
    this.#do(fault);
  }

  /** Why a fault makes no sense now; undefined: it does. */
  objectionTo(fault: Fault): string | undefined {
    const names = namesIn(fault);
    const stranger = names.find((name) => !this.#population.has(name));
    if (stranger !== undefined) return this.#population.strangerIs(stranger);
    if (fault.kind === 'partition' && fault.groups.length < 2) return 'partition needs two groups or more';
    const contradiction = contradictionIn(fault);
    if (contradiction !== undefined) return contradiction;
    if (!('node' in fault) || GOES_FOR_THE_DEAD.has(fault.kind)) return undefined;
    const node = this.#population.node(fault.node);
    if (!node.isRunning) return `${fault.kind}: ${fault.node} does not run`;
    return undefined;
  }

  #do(fault: Fault): void {
    const { paths } = this.#around;
    switch (fault.kind) {
      case 'cut':
        return paths.cut(this.#host(fault.from), this.#host(fault.to));
      case 'heal':
        return this.#heal(this.#host(fault.from), this.#host(fault.to));
      case 'partition':
        return this.#partition(fault.groups);
      case 'heal-all':
        return this.#healAll();
      case 'flap':
        return this.#flap(fault);
      case 'lose':
        return paths.setLoss(fault.share, ...this.#direction(fault));
      case 'duplicate':
        return paths.setDuplication(fault.share, ...this.#direction(fault));
      case 'reorder':
        return paths.setReordering(fault, ...this.#direction(fault));
      case 'delay':
        return paths.setLatency(fault.latency, ...this.#direction(fault));
      case 'answer-dials':
        return paths.setDialRule(this.#host(fault.node), fault.rule);
      default:
        return this.#doToNode(fault, this.#population.node(fault.node));
    }
  }

  #doToNode(fault: Extract<Fault, { node: string }>, node: SimulatedNode<M>): void {
    const { paths, clock } = this.#around;
    const host = formatAddress(node.self.address);
    switch (fault.kind) {
      case 'crash':
        return node.end('closed');
      case 'power-off':
        paths.setPower(host, false);
        return node.end('silent');
      case 'restart':
        return this.#restart(fault.node, host);
      case 'leave':
        return node.tell((protocol) => protocol.leave());
      case 'pause':
        return node.loop.freeze();
      case 'resume':
        return node.loop.thaw();
      case 'stall': {
        const stall = Symbol('stall');
        node.loop.freeze(stall);
        return void clock.setTimer(fault.ms, () => node.loop.thaw(stall));
      }
      case 'block-io':
        node.gate.shut();
        return void clock.setTimer(fault.ms, () => node.gate.open());
      case 'suspend':
        return this.#suspend(node, host, fault.ms);
      case 'shift-clock':
        return node.shiftWallClock(fault.ms);
      case 'slow-loop':
        return node.loop.slowDown(fault.callbackMs);
      case 'share-address':
        return this.#population.addTwin(fault.node).join(this.#population.seeds(SEEDS));
      case 'set-metadata':
        return node.tell((protocol) => protocol.setMetadata(fault.metadata));
      case 'answer-dials':
        return paths.setDialRule(host, fault.rule);
    }
  }

  #restart(name: string, host: string): void {
    const { paths } = this.#around;
    const before = this.#population.node(name);
    if (before.isRunning) before.end('closed');
    paths.setPower(host, true);
    paths.setAsleep(host, false);
    const seeds = this.#population.seeds(SEEDS);
    this.#population.restart(name).join(seeds);
  }

  #suspend(node: SimulatedNode<M>, host: string, ms: number): void {
    const { paths, clock } = this.#around;
    paths.setAsleep(host, true);
    node.loop.sleep();
    clock.setTimer(ms, () => {
      if (!node.isRunning) return;
      paths.setAsleep(host, false);
      node.loop.wake();
    });
  }

  #partition(groups: readonly (readonly string[])[]): void {
    for (const group of groups) {
      for (const other of groups) {
        if (other === group) continue;
        for (const a of group) for (const b of other) this.#around.paths.cut(this.#host(a), this.#host(b));
      }
    }
  }

  #healAll(): void {
    for (const timer of this.#flapping.values()) timer.cancel();
    this.#flapping.clear();
    this.#around.paths.healAll();
    for (const twin of this.#population.twins()) twin.end('closed');
  }

  #heal(from: string, to: string): void {
    this.#stopFlapping(from, to);
    this.#around.paths.heal(from, to);
  }

  #stopFlapping(a: string, b: string): void {
    const key = pairKey(a, b);
    this.#flapping.get(key)?.cancel();
    this.#flapping.delete(key);
  }

  #flap({ a, b, downMs, upMs, times }: Extract<Fault, { kind: 'flap' }>): void {
    const [one, other] = [this.#host(a), this.#host(b)];
    const { paths, clock } = this.#around;
    const key = pairKey(one, other);
    const down = (left: number) => {
      this.#flapping.delete(key);
      if (left <= 0) return;
      paths.cut(one, other);
      paths.cut(other, one);
      this.#flapping.set(
        key,
        clock.setTimer(downMs, () => up(left)),
      );
    };
    const up = (left: number) => {
      paths.heal(one, other);
      paths.heal(other, one);
      this.#flapping.set(
        key,
        clock.setTimer(upMs, () => down(left - 1)),
      );
    };
    this.#stopFlapping(one, other);
    down(times);
  }

  #direction(fault: {
    readonly from?: string | undefined;
    readonly to?: string | undefined;
  }): [string?, string?] {
    if (fault.from === undefined || fault.to === undefined) return [];
    return [this.#host(fault.from), this.#host(fault.to)];
  }

  #host(name: string): string {
    return formatAddress(this.#population.node(name).self.address);
  }
}

/** What makes sense also for a node whose process has ended. */
const GOES_FOR_THE_DEAD: ReadonlySet<Fault['kind']> = new Set(['restart', 'answer-dials']);

function pairKey(a: string, b: string): string {
  return a < b ? `${a}|${b}` : `${b}|${a}`;
}

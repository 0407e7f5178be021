import type { Address } from '../../address.js';
import type { Parts } from './parts.js';

/** Syncs that may fail after a stall before this node judges without one: it may be the one that is cut off. */
const MAX_FAILED_SYNCS = 3;

/** What a node does about its own absence: doubts itself, syncs before it judges, or starts over. Decisions 8. */
export class Stalls {
  readonly #parts: Parts;
  #stalledAtMs = Number.NEGATIVE_INFINITY;
  #doubtedAtMs = Number.NEGATIVE_INFINITY;
  #mustSync = false;
  #failedSyncs = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** The event loop stood still for so long, or the machine slept. */
  stalled(ms: number): void {
    const { options, world } = this.#parts;
    if (!options.components.eventLoopAwareness) return;
    this.#stalledAtMs = world.now();
    this.#parts.count('stalls');
    this.doubt();
    if (ms > options.tombstoneMs / 2) return this.startOver();
    if (ms > options.probeIntervalMs) this.syncFirst();
  }

  /** Lag raises local health, once per probe interval. */
  doubt(): void {
    const { world, options, health } = this.#parts;
    if (world.now() - this.#doubtedAtMs < options.probeIntervalMs) return;
    this.#doubtedAtMs = world.now();
    health.add(1);
  }

  /** Whether there was a stall in the last two probe intervals. */
  recently(): boolean {
    return this.#parts.world.now() - this.#stalledAtMs < 2 * this.#parts.options.probeIntervalMs;
  }

  /** False after a long stall, until this node has heard what happened meanwhile. */
  mayJudge(): boolean {
    return !this.#mustSync;
  }

  syncFirst(): void {
    if (this.#parts.table.others.length === 0) {
      this.#mustSync = false;
      return;
    }
    if (!this.#mustSync) this.#failedSyncs = 0;
    this.#mustSync = true;
    this.#parts.syncs.withAny();
  }

  synced(): void {
    this.#mustSync = false;
  }

  syncFailed(): void {
    if (!this.#mustSync) return;
    this.#failedSyncs++;
    if (this.#failedSyncs >= MAX_FAILED_SYNCS) this.#mustSync = false;
    else this.#parts.syncs.withAny();
  }

  /**
   * Away for so long that others have forgotten whom they buried: what this node remembers must not be pushed. It keeps
   * only addresses, and joins as if new.
   */
  startOver(): void {
    const { table, world, queue, suspicions, prober, checks, refuter, joins, healer } = this.#parts;
    const addresses: Address[] = [];
    const discarded = table.others.length;
    for (const entry of [...table.others]) {
      const held = entry.member;
      suspicions.end(entry);
      prober.drop(entry);
      checks.cancel(entry);
      entry.linked = false;
      table.put(entry, held.with({ state: 'unreachable' }), world.now());
      this.#parts.emit('unreachable', entry, held);
    }
    for (const entry of [...table.buried]) {
      if (entry.member.state === 'unreachable') addresses.push(entry.member.address);
      table.forget(entry);
    }
    for (const address of addresses) healer.remember(address);
    queue.clear();
    this.#mustSync = false;
    this.#parts.count('startedOver');
    if (this.#parts.isTraced) this.#parts.trace('slept', undefined, undefined, undefined, { discarded });
    if (!refuter.raise({})) return;
    joins.join(addresses.slice(0, this.#parts.options.maxSeeds), 'pull');
  }
}

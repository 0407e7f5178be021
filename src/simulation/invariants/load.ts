import type { Peer } from '../../membership/protocol.js';
import type { SwimMessage } from '../../membership/swim/messages.js';
import type { SwimOptions } from '../../membership/swim/options.js';
import { sendsPerUpdate, steadyMessages } from './bounds.js';
import type { Calm } from './calm.js';
import type { Check, Input, Watched, WatchedNode } from './check.js';
import { violated } from './violation.js';

/** Probe intervals over which messages are counted. */
const SPAN_INTERVALS = 20;
/** Probe intervals without any change before the cluster counts as steady; more while updates still spread. */
const SETTLING_INTERVALS = 10;

/**
 * Rule 16: steady load is constant in n. While nothing has happened for a while, all nodes together send no more than the
 * protocol's own timers ask for, per node and whatever n: see `steadyMessages`.
 */
export class Load implements Check<SwimMessage> {
  readonly #options: SwimOptions;
  readonly #calm: Calm<SwimMessage>;
  #simulation: Watched<SwimMessage> | undefined;
  #sent = 0;
  #changedAtMs = 0;
  #spanSinceMs = 0;

  constructor(options: SwimOptions, calm: Calm<SwimMessage>) {
    this.#options = options;
    this.#calm = calm;
  }

  begin(simulation: Watched<SwimMessage>): void {
    this.#simulation = simulation;
  }

  sent(_node: WatchedNode<SwimMessage>, _to: Peer, _message: SwimMessage): void {
    this.#sent++;
  }

  event(): void {
    this.#changedAtMs = this.#calm.nowMs;
  }

  beforeInput(_node: WatchedNode<SwimMessage>, { kind }: Input<SwimMessage>): void {
    if (kind === 'told') this.#changedAtMs = this.#calm.nowMs;
  }

  tick(nowMs: number): void {
    const { probeIntervalMs } = this.#options;
    const steadySinceMs = Math.max(this.#calm.quietSinceMs, this.#changedAtMs) + this.#settlingMs();
    if (nowMs < steadySinceMs || this.#spanSinceMs < steadySinceMs) {
      this.#spanSinceMs = nowMs;
      this.#sent = 0;
      return;
    }
    const spanMs = nowMs - this.#spanSinceMs;
    if (spanMs < SPAN_INTERVALS * probeIntervalMs) return;
    const nodes = this.#simulation?.running().length ?? 0;
    const most = nodes * steadyMessages(this.#options, spanMs);
    if (this.#sent > most) {
      const what = `sends ${(this.#sent / nodes).toFixed(1)} messages per node`;
      violated(16, { name: 'the cluster' }, `${what} in ${spanMs} ms, not ${(most / nodes).toFixed(1)}`);
    }
    this.#spanSinceMs = nowMs;
    this.#sent = 0;
  }

  /** Until probes have succeeded again, suspicions ended and updates been sent as often as they may. */
  #settlingMs(): number {
    const { probeIntervalMs, gossipIntervalMs, gossipFanout, maxLocalHealth } = this.#options;
    const n = this.#simulation?.running().length ?? 1;
    const sends = sendsPerUpdate(this.#options, n);
    const spreading = gossipFanout > 0 ? sends * gossipIntervalMs : sends * probeIntervalMs;
    return spreading + (SETTLING_INTERVALS + (maxLocalHealth * (maxLocalHealth + 3)) / 2) * probeIntervalMs;
  }
}

import { formatAddress, sameAddress, type Address } from '../address.js';
import type { Clock, Timer } from '../clock.js';
import type { Discovery } from '../discovery/discovery.js';
import { DiscoveryError } from '../errors.js';
import type { ClusterLogger } from '../logger.js';

const FIRST_PAUSE_MS = 250;
const MAX_PAUSE_APART_MS = 5000;
const PAUSE_IN_COMPANY_MS = 60_000;
/** A discovery that does not answer is given up for this round. */
const DISCOVERY_TIMEOUT_MS = 10_000;
/** More addresses than this in one answer are a mistake: any of them are tried, others in the next round. */
const MAX_ADDRESSES = 1024;

/** What the joiner needs of its node. */
export interface JoinerNode {
  /** Addresses at which this node itself is. */
  own(): readonly Address[];
  alone(): boolean;
  join(addresses: readonly Address[]): void;
  /** Whether a member is at this address already: it may have joined through this node first. */
  knows(address: Address): boolean;
  /** Nobody is to be found who is not known: at the start, this node is a cluster of one. */
  nobodyNew(): void;
  discoveryFailed(error: DiscoveryError): void;
}

/**
 * Asks discovery and hands what it finds to the protocol: at once, with growing pauses while the node is alone or
 * among members of whom discovery knows none (an island: others joined through this node while its own seeds were
 * still starting), and at a low rate afterwards, so that islands merge and old addresses are forgotten.
 */
export class Joiner {
  readonly #aborter = new AbortController();
  #pauseMs = FIRST_PAUSE_MS;
  #timer: Timer | undefined;
  /** Whether none of those that discovery found was a member when it was last asked. */
  #isApart = false;
  /** What discovery found when it was last asked. */
  #found: readonly Address[] = [];

  constructor(
    private readonly node: JoinerNode,
    private readonly discovery: Discovery | undefined,
    private readonly clock: Clock,
    private readonly random: () => number,
  ) {}

  start(): void {
    if (this.discovery === undefined) this.node.nobodyNew();
    else void this.#round(this.discovery);
  }

  /** Idempotent. */
  stop(): void {
    this.#timer?.cancel();
    this.#aborter.abort();
  }

  /** Whether this node dials an address for its own reasons: a stranger can make it dial any other one. */
  trusts(address: Address): boolean {
    return this.node.knows(address) || this.#found.some((found) => sameAddress(found, address));
  }

  async #round(discovery: Discovery): Promise<void> {
    try {
      const found = await this.#ask(discovery);
      if (this.#aborter.signal.aborted) return;
      const others = this.#bounded(this.#others(found), discovery);
      this.#found = others;
      const known = others.filter((address) => this.node.knows(address)).length;
      this.#isApart = others.length > 0 && known === 0;
      if (known === others.length) this.node.nobodyNew();
      else this.node.join(others);
    } catch (cause) {
      if (this.#aborter.signal.aborted) return;
      this.node.discoveryFailed(
        new DiscoveryError(`Discovery "${discovery.name}" found nothing out this time: ${messageOf(cause)}`, {
          cause,
        }),
      );
    }
    this.#timer = this.clock.setTimer(this.#nextPauseMs(), () => void this.#round(discovery));
  }

  /** Rejects after a while, whatever the discovery does. */
  async #ask(discovery: Discovery): Promise<readonly Address[]> {
    const round = new AbortController();
    const stop = (): void => round.abort(this.#aborter.signal.reason);
    this.#aborter.signal.addEventListener('abort', stop, { once: true });
    const timer = this.clock.setTimer(DISCOVERY_TIMEOUT_MS, () =>
      round.abort(new DiscoveryError(`no answer within ${DISCOVERY_TIMEOUT_MS} ms`)),
    );
    try {
      return await Promise.race([
        discovery.discoverNodes({ signal: round.signal }),
        this.#givenUp(round.signal),
      ]);
    } finally {
      timer.cancel();
      this.#aborter.signal.removeEventListener('abort', stop);
    }
  }

  /** Rejects when the signal aborts; a turn later if time is up, so that a discovery can give what it has by then. */
  #givenUp(signal: AbortSignal): Promise<never> {
    return new Promise((_, reject) => {
      const giveUp = (): void => reject(signal.reason as Error);
      const aborted = (): void => {
        if (this.#aborter.signal.aborted) giveUp();
        else this.clock.afterPoll(giveUp);
      };
      signal.addEventListener('abort', aborted, { once: true });
    });
  }

  #others(found: readonly Address[]): Address[] {
    const own = this.node.own();
    const others = new Map<string, Address>();
    for (const address of found) {
      if (!own.some((mine) => sameAddress(mine, address))) others.set(formatAddress(address), address);
    }
    return [...others.values()];
  }

  /** Any of the addresses, where they are too many: never only the first ones, whose nodes may all be gone. */
  #bounded(others: Address[], { name }: Discovery): readonly Address[] {
    if (others.length <= MAX_ADDRESSES) return others;
    const what = `Discovery "${name}" found ${others.length} addresses`;
    this.node.discoveryFailed(new DiscoveryError(`${what}; ${MAX_ADDRESSES} of them are tried in a round`));
    for (let i = 0; i < MAX_ADDRESSES; i++) {
      const other = i + Math.floor(this.random() * (others.length - i));
      [others[i], others[other]] = [others[other]!, others[i]!];
    }
    return others.slice(0, MAX_ADDRESSES);
  }

  /** Jittered by half, so that nodes which start together do not ask together. */
  #nextPauseMs(): number {
    const jitter = 0.5 + this.random();
    if (!this.node.alone() && !this.#isApart) {
      this.#pauseMs = FIRST_PAUSE_MS;
      return PAUSE_IN_COMPANY_MS * jitter;
    }
    const pauseMs = this.#pauseMs;
    this.#pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_APART_MS);
    return pauseMs * jitter;
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** The node is done with its discovery. */
export async function closeDiscovery(options: {
  readonly discovery: Discovery | undefined;
  readonly logger: ClusterLogger;
}): Promise<void> {
  try {
    await options.discovery?.close?.();
  } catch (error) {
    options.logger.warn(`Closing the discovery failed: ${String(error)}`);
  }
}

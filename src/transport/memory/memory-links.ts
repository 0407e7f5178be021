import { formatAddress, type Address } from '../../address.js';
import { BindError } from '../../errors.js';
import type { Dial, DialOutcome, Link, LinkHandler, LinkListener, Links } from '../link.js';
import { MemoryDial } from './memory-dial.js';
import type { MemoryLink } from './memory-link.js';
import type { MemoryNetwork } from './memory-network.js';
import type { ProcessLoop } from './process-loop.js';

export interface MemoryLinksOptions {
  /** Sends frames as bytes through the codec, cut anywhere. Default: frames are handed over as they are. */
  readonly wire?: boolean | undefined;
  /** The loop of a process that can stand still. Default: one that never does. */
  readonly loop?: ProcessLoop | undefined;
}

interface Listening {
  readonly address: Address;
  accept(link: Link): LinkHandler;
  lost(cause: unknown): void;
}

/** The links of one process in a {@link MemoryNetwork}. */
export class MemoryLinks implements Links {
  bytesIn = 0;
  bytesOut = 0;
  readonly wire: boolean;
  readonly loop: ProcessLoop;
  /** Open ends of this process. */
  readonly all = new Set<MemoryLink>();

  private readonly listening = new Map<string, Listening>();
  private readonly dials = new Set<MemoryDial>();
  private over = false;

  constructor(
    private readonly network: MemoryNetwork,
    readonly name: string,
    options: MemoryLinksOptions,
  ) {
    this.wire = options.wire === true;
    this.loop = options.loop ?? {
      now: () => network.clock.now(),
      setTimer: (delayMs, callback) => network.clock.setTimer(delayMs, callback),
      afterPoll: (callback) => network.clock.afterPoll(callback),
      input: (callback) => callback(),
    };
  }

  get open(): number {
    return this.all.size;
  }

  async listen(
    endpoint: Address,
    accept: (link: Link) => LinkHandler,
    lost: (cause: unknown) => void,
  ): Promise<LinkListener> {
    const address = {
      host: endpoint.host,
      port: endpoint.port === 0 ? this.network.freePort() : endpoint.port,
    };
    const key = formatAddress(address);
    if (this.network.ownerOf(address)?.links?.listener(address) !== undefined) {
      throw new BindError(key, `port ${address.port} is in use by another process of this network`);
    }
    this.network.register(address, this.name);
    this.listening.set(key, { address, accept, lost });
    return {
      address,
      close: async () => {
        this.listening.delete(key);
      },
    };
  }

  dial(address: Address, timeoutMs: number, outcome: DialOutcome): Dial {
    const dial: MemoryDial = new MemoryDial(this.network, this, address, timeoutMs, outcome, () =>
      this.dials.delete(dial),
    );
    this.dials.add(dial);
    if (this.over) dial.cancel();
    return dial;
  }

  /** Takes the listeners away from this process, as a system may; dials are refused from now on. */
  loseListeners(cause: unknown): void {
    const lost = [...this.listening.values()];
    this.listening.clear();
    for (const listener of lost) listener.lost(cause);
  }

  async close(): Promise<void> {
    this.stop();
    // The handlers are told later than the call, yet without waiting for virtual time to pass.
    await Promise.resolve();
    for (const link of this.all) link.finishNow(undefined);
  }

  /** The process dies here and now. */
  crash(): void {
    this.stop();
    for (const link of this.all) link.die();
  }

  /** Who takes up links at an address. */
  listener(address: Address): Listening | undefined {
    return this.listening.get(formatAddress(address));
  }

  private stop(): void {
    this.over = true;
    this.listening.clear();
    for (const dial of this.dials) dial.cancel();
  }
}

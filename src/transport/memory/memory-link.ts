import type { Timer } from '../../clock.js';
import type { Link, LinkHandler } from '../link.js';
import type { Frame } from '../session/frame.js';
import { BrokenLinkError } from './broken-link-error.js';
import type { MemoryLinks } from './memory-links.js';
import type { MemoryNetwork } from './memory-network.js';
import { MemoryPipe, type PipeEnd } from './memory-pipe.js';

/** The marks of `Link.send` and `LinkHandler.drained`, as TCP links have them. */
const HIGH_WATER_BYTES = 256 * 1024;
const LOW_WATER_BYTES = 64 * 1024;
/** How long the other side may take to follow an `end`. */
const END_MS = 1000;

/** One end of a link between two processes. */
export class MemoryLink implements Link, PipeEnd {
  private handler: LinkHandler | undefined;
  private other!: MemoryLink;
  /** Towards the other end. */
  private out!: MemoryPipe;
  private refusedData = false;
  private ending: Timer | undefined;
  private gone = false;

  private constructor(
    private readonly network: MemoryNetwork,
    private readonly owner: MemoryLinks,
    readonly remote: string,
  ) {
    owner.all.add(this);
  }

  /** Makes both ends of a link. */
  static pair(
    network: MemoryNetwork,
    dialler: MemoryLinks,
    acceptor: MemoryLinks,
    address: string,
  ): [MemoryLink, MemoryLink] {
    const dialled = new MemoryLink(network, dialler, address);
    const accepted = new MemoryLink(network, acceptor, `${dialler.name}:${network.freePort()}`);
    const wire = dialler.wire || acceptor.wire;
    dialled.connect(accepted, wire);
    accepted.connect(dialled, wire);
    return [dialled, accepted];
  }

  /** The process at the other end. */
  get peerName(): string {
    return this.other.owner.name;
  }

  get bufferedBytes(): number {
    return this.out.waitingBytes;
  }

  get flushedFrames(): number {
    return this.out.flushedFrames;
  }

  /** Whoever takes the link up; before this nothing may arrive. */
  open(handler: LinkHandler): void {
    this.handler = handler;
  }

  /** Nothing arrives at this end before a time. */
  notBefore(atMs: number): void {
    this.other.out.notBefore(atMs);
  }

  send(frame: Frame): boolean {
    if (this.gone || this.ending !== undefined) return true;
    if (this.network.losesFrame(this.owner.name, this.peerName)) {
      this.break();
      return true;
    }
    try {
      this.owner.bytesOut += this.out.send(frame);
    } catch (error) {
      this.finish(error);
      return true;
    }
    if (this.out.waitingBytes <= HIGH_WATER_BYTES) return true;
    this.refusedData = true;
    return false;
  }

  allowFrames(maxBytes: number): void {
    this.other.out.limitBytes = maxBytes;
  }

  established(): void {
    // There are no strangers in memory, so none are counted.
  }

  end(): void {
    if (this.gone || this.ending !== undefined) return;
    this.ending = this.owner.loop.setTimer(END_MS, () => this.destroy());
    this.out.end();
  }

  destroy(): void {
    this.finish(undefined);
  }

  abort(): void {
    this.out.takeBack();
    this.finish(undefined);
  }

  /** The network loses the link: what is under way is lost, both ends hear of it after the delay. */
  break(): void {
    const lost = new BrokenLinkError(
      `The network lost the link between ${this.owner.name} and ${this.peerName}`,
    );
    for (const end of [this, this.other]) {
      end.out.sever();
      const delayMs = this.network.delayMs(end.peerName, end.owner.name);
      this.network.clock.setTimer(delayMs, () => end.owner.loop.input(() => end.finishNow(lost)));
    }
  }

  /** The process has died: nothing is heard here any more; the other end hears that the link ended. */
  die(): void {
    this.handler = undefined;
    this.finishNow(undefined);
  }

  /** Ends this end and tells its handler now; never called from within a call of the handler's owner. */
  finishNow(error: unknown): void {
    if (!this.leave()) return;
    this.out.abandon();
    this.handler?.closed(error);
  }

  // --- what arrives ---

  frame(frame: Frame): void {
    this.handler?.frame(frame);
  }

  arrived(bytes: number): void {
    this.owner.bytesIn += bytes;
    if (!this.gone) this.handler?.batchEnd?.();
  }

  /** The other side has ended: what is queued here still goes out, and then this side ends, too. */
  ended(): void {
    if (!this.leave()) return;
    this.out.end();
    this.handler?.closed(undefined);
  }

  violated(error: unknown): void {
    this.finishNow(error);
  }

  private finish(error: unknown): void {
    if (!this.leave()) return;
    this.out.abandon();
    this.owner.loop.setTimer(0, () => this.handler?.closed(error));
  }

  /** @returns false when this end was gone already */
  private leave(): boolean {
    if (this.gone) return false;
    this.gone = true;
    this.ending?.cancel();
    this.owner.all.delete(this);
    this.other.out.sever();
    return true;
  }

  private room(): void {
    if (!this.refusedData || this.gone || this.out.waitingBytes >= LOW_WATER_BYTES) return;
    this.refusedData = false;
    this.handler?.drained();
  }

  private connect(other: MemoryLink, wire: boolean): void {
    this.other = other;
    this.out = new MemoryPipe(this.network, this.owner, other.owner, other, () => this.room(), wire);
  }
}

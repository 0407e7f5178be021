import type { Address } from '../../address.js';
import type { Dial, DialOutcome, Link, LinkHandler, LinkListener, Links } from '../../transport/link.js';
import type { Frame } from '../../transport/session/frame.js';

/** Who is told of every frame of one link, at one of its ends. */
export interface FrameWatcher {
  sent(frame: Frame): void;
  received(frame: Frame): void;
}

/** Watches what goes over the links of a process, and changes nothing. */
export class LinkTap implements Links {
  constructor(
    private readonly inner: Links,
    private readonly watch: (role: 'dialled' | 'accepted') => FrameWatcher,
  ) {}

  get bytesIn(): number {
    return this.inner.bytesIn;
  }

  get bytesOut(): number {
    return this.inner.bytesOut;
  }

  get open(): number {
    return this.inner.open;
  }

  listen(
    endpoint: Address,
    accept: (link: Link) => LinkHandler,
    lost: (cause: unknown) => void,
  ): Promise<LinkListener> {
    return this.inner.listen(endpoint, (link) => this.#tapped(link, 'accepted', accept), lost);
  }

  dial(address: Address, timeoutMs: number, outcome: DialOutcome): Dial {
    return this.inner.dial(address, timeoutMs, {
      opened: (link) => this.#tapped(link, 'dialled', (tapped) => outcome.opened(tapped)),
      failed: (report, error) => outcome.failed(report, error),
    });
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  #tapped(link: Link, role: 'dialled' | 'accepted', open: (tapped: TappedLink) => LinkHandler): LinkHandler {
    const tapped = new TappedLink(link, this.watch(role));
    tapped.handler = open(tapped);
    return tapped;
  }
}

/** One end of a link: its owner sees a link, the link sees a handler. */
class TappedLink implements Link, LinkHandler {
  handler!: LinkHandler;

  constructor(
    private readonly link: Link,
    private readonly watcher: FrameWatcher,
  ) {}

  get remote(): string {
    return this.link.remote;
  }

  get bufferedBytes(): number {
    return this.link.bufferedBytes;
  }

  get flushedFrames(): number {
    return this.link.flushedFrames;
  }

  send(frame: Frame): boolean {
    this.watcher.sent(frame);
    return this.link.send(frame);
  }

  allowFrames(maxBytes: number): void {
    this.link.allowFrames(maxBytes);
  }

  established(): void {
    this.link.established();
  }

  end(): void {
    this.link.end();
  }

  destroy(): void {
    this.link.destroy();
  }

  abort(): void {
    this.link.abort();
  }

  frame(frame: Frame): void {
    this.watcher.received(frame);
    this.handler.frame(frame);
  }

  batchEnd(): void {
    this.handler.batchEnd?.();
  }

  drained(): void {
    this.handler.drained();
  }

  closed(error?: unknown): void {
    this.handler.closed(error);
  }
}

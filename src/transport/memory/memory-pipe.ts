import { ProtocolViolationError } from '../../errors.js';
import { encodeFrame } from '../session/codec.js';
import type { Frame } from '../session/frame.js';
import { FrameSplitter } from '../session/frame-splitter.js';
import type { MemoryNetwork } from './memory-network.js';
import type { ProcessLoop } from './process-loop.js';

/** What the two kernels hold of one direction; more waits in the process, as with a socket. */
const KERNEL_BYTES = 256 * 1024;

/** Rough sizes of frames that never become bytes. */
const SMALL_FRAME_BYTES = 24;
const PROTOCOL_FRAME_BYTES = 256;
const HELLO_FRAME_BYTES = 128;

/** Where a pipe ends. */
export interface PipeEnd {
  frame(frame: Frame): void;
  /** Bytes have come, and all their frames were given. */
  arrived(bytes: number): void;
  /** The sender has ended; nothing follows. */
  ended(): void;
  /** What came is no frame. */
  violated(error: unknown): void;
}

/** The process at one side of a pipe. */
export interface PipeProcess {
  readonly name: string;
  readonly loop: ProcessLoop;
}

/** What waits in the process, which may give it up yet. */
interface Waiting {
  readonly content: Frame | Uint8Array;
  readonly bytes: number;
}

/** What the kernel has. */
interface Item {
  readonly content: Frame | Uint8Array | 'end' | 'taken-back';
  readonly bytes: number;
  /** Place in the pipe, without gaps. */
  readonly order: number;
}

/** One direction of a link: first in, first out, with the delay and the cuts of its way. */
export class MemoryPipe {
  /** Frames handed to the kernel. */
  flushedFrames = 0;
  /** Bytes that wait in the process. */
  waitingBytes = 0;

  private readonly splitter: FrameSplitter | undefined;
  private readonly waiting: Waiting[] = [];
  private inKernelBytes = 0;
  /** Held back by a cut, in order. */
  private held: Item[] = [];
  private lastArrivalMs = 0;
  private severed = false;
  private sent = 0;
  private arrivals = 0;
  /** Came while an earlier one was still held back: nothing is given out of order. */
  private readonly early = new Map<number, Item>();

  constructor(
    private readonly network: MemoryNetwork,
    private readonly from: PipeProcess,
    private readonly to: PipeProcess,
    private readonly receiver: PipeEnd,
    /** Room was made. */
    private readonly onRoom: () => void,
    wire: boolean,
  ) {
    if (wire) this.splitter = new FrameSplitter((frame) => receiver.frame(frame));
  }

  /** Nothing arrives before this time. */
  notBefore(atMs: number): void {
    this.lastArrivalMs = Math.max(this.lastArrivalMs, atMs);
  }

  set limitBytes(bytes: number) {
    if (this.splitter !== undefined) this.splitter.limitBytes = bytes;
  }

  /**
   * Queues a frame.
   *
   * @returns its bytes, in wire mode the real ones
   */
  send(frame: Frame): number {
    const content = this.splitter === undefined ? frame : encodeFrame(frame);
    const bytes = content instanceof Uint8Array ? content.length : roughBytes(frame);
    this.waiting.push({ content, bytes });
    this.waitingBytes += bytes;
    this.fill(KERNEL_BYTES);
    return bytes;
  }

  /** Hands over what waits, and the end behind it. */
  end(): void {
    this.fill(Number.POSITIVE_INFINITY);
    this.enter({ content: 'end', bytes: 0 });
  }

  /** The process gave up or died: what waits in it is lost, what the kernel has still arrives, and then the end. */
  abandon(): void {
    this.waiting.length = 0;
    this.waitingBytes = 0;
    this.enter({ content: 'end', bytes: 0 });
  }

  /** What a cut holds back is lost; its places in the order stay. */
  takeBack(): void {
    this.held = this.held.map((item) => ({
      ...item,
      content: item.content === 'end' ? 'end' : 'taken-back',
    }));
  }

  /** Nothing arrives any more. */
  sever(): void {
    this.severed = true;
    this.waiting.length = 0;
    this.waitingBytes = 0;
    this.held = [];
    this.splitter?.stop();
  }

  /** The network has healed, perhaps on this way. */
  resume(): void {
    const held = this.held;
    this.held = [];
    if (held.length > 0) this.notBefore(this.network.clock.now() + this.network.healLagMs);
    for (const item of held) this.transmit(item);
  }

  private fill(limitBytes: number): void {
    while (this.waiting.length > 0 && this.inKernelBytes < limitBytes) {
      const item = this.waiting.shift()!;
      this.waitingBytes -= item.bytes;
      this.inKernelBytes += item.bytes;
      this.flushedFrames++;
      this.enter(item);
    }
  }

  private enter(item: Omit<Item, 'order'>): void {
    this.transmit({ ...item, order: this.sent++ });
  }

  private transmit(item: Item): void {
    if (this.severed) return;
    if (this.mustHold()) {
      this.hold(item);
      return;
    }
    const { clock } = this.network;
    const now = clock.now();
    this.notBefore(now + this.network.delayMs(this.from.name, this.to.name));
    clock.setTimer(this.lastArrivalMs - now, () => this.arrive(item));
  }

  private arrive(item: Item): void {
    if (this.severed) return;
    if (this.mustHold()) {
      this.hold(item);
      return;
    }
    this.early.set(item.order, item);
    for (let next = this.early.get(this.arrivals); next !== undefined; next = this.early.get(this.arrivals)) {
      this.early.delete(this.arrivals++);
      const arrived = next;
      this.to.loop.input(() => this.take(arrived));
      if (this.severed) return;
    }
  }

  /** The receiving process reads. */
  private take(item: Item): void {
    if (this.severed) return;
    this.inKernelBytes -= item.bytes;
    this.deliver(item.content);
    this.receiver.arrived(item.bytes);
    if (!this.severed) this.from.loop.input(this.makeRoom);
  }

  /** The sending process hears that its kernel has room. */
  private readonly makeRoom = (): void => {
    if (this.severed) return;
    this.fill(KERNEL_BYTES);
    this.onRoom();
  };

  private deliver(content: Item['content']): void {
    if (content === 'taken-back') return;
    if (content === 'end') this.receiver.ended();
    else if (!(content instanceof Uint8Array)) this.receiver.frame(withOwnBytes(content));
    else this.deliverBytes(content);
  }

  /** In two pieces, cut anywhere: a stream knows no frames. */
  private deliverBytes(bytes: Uint8Array): void {
    const splitter = this.splitter!;
    const cut = Math.floor(this.network.random() * bytes.length);
    try {
      if (cut > 0) splitter.push(bytes.subarray(0, cut));
      splitter.push(bytes.subarray(cut));
    } catch (error) {
      if (!(error instanceof ProtocolViolationError)) throw error;
      this.receiver.violated(error);
    }
  }

  /** Behind held frames all others wait, too. */
  private mustHold(): boolean {
    return this.held.length > 0 || this.network.blocked(this.from.name, this.to.name);
  }

  private hold(item: Item): void {
    this.held.push(item);
    this.network.stall(this);
  }
}

/** The sender may use its buffer again once the message is acknowledged; the receiver may still be reading. */
function withOwnBytes(frame: Frame): Frame {
  return frame.type === 'data' ? { ...frame, chunk: new Uint8Array(frame.chunk) } : frame;
}

function roughBytes(frame: Frame): number {
  switch (frame.type) {
    case 'data':
      return SMALL_FRAME_BYTES + frame.meta.length + frame.chunk.length;
    case 'protocol':
      return frame.body instanceof Uint8Array ? frame.body.length : PROTOCOL_FRAME_BYTES;
    case 'hello':
    case 'welcome':
      return HELLO_FRAME_BYTES + frame.record.length;
    default:
      return SMALL_FRAME_BYTES;
  }
}

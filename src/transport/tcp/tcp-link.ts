import type { Socket } from 'node:net';
import type { Timer } from '../../clock.js';
import { DeliveryUncertainError, ProtocolViolationError } from '../../errors.js';
import type { Link, LinkCredentials, LinkHandler } from '../link.js';
import type { Frame } from '../session/frame.js';
import { FrameSplitter } from '../session/frame-splitter.js';
import type { SecureChannel } from './socket-security.js';
import type { TcpShared } from './tcp-shared.js';
import { isSame, WriteQueue, type WriteBatch } from './write-queue.js';

/** More waiting bytes than this and `send` says "no more data". */
const HIGH_WATER_BYTES = 256 * 1024;
/** Fewer again, and `drained` says "go on". */
const LOW_WATER_BYTES = 64 * 1024;
/** A queue of this size is written at once, without waiting for the end of the turn. */
const EAGER_BYTES = 32 * 1024;
/** About so much is handed to the kernel in one turn, and as much is read; then others have theirs, probes above all. */
const TURN_BYTES = 256 * 1024;
/** How long the other side may take to follow an `end`. */
const END_MS = 1000;

/** Not zeroed; a plain array, which a `slice` copies. */
function allocate(bytes: number): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer);
}

/**
 * A pipe of frames over one socket.
 *
 * At most one write is under way; what is queued meanwhile leaves in the next. So a frame that is still queued has
 * certainly not reached the kernel, and a slow socket makes writes larger rather than more.
 *
 * The first frame of a quiet turn is written at once; what follows in the same turn is collected and leaves at the
 * turn's end: a sequential caller never waits for a batch, a busy one always makes one. After a turn with more
 * frames than one the next turn is taken to be busy, too. What a read causes leaves at the end of its turn, which is
 * near: the acknowledgement in one write with the reply, or with the next message.
 */
export class TcpLink implements Link {
  readonly remote: string;
  readonly credentials: LinkCredentials | undefined;
  flushedFrames = 0;

  private readonly socket: Socket;
  private readonly queue: WriteQueue;
  private readonly splitter: FrameSplitter;
  private handler: LinkHandler | undefined;
  private writingBytes = 0;
  private writing = false;
  /** The last write; under way unless it is taken. */
  private latest: WriteBatch | undefined;
  private awaitsTurnEnd = false;
  private reading = false;
  private framesThisTurn = 0;
  private writtenThisTurn = 0;
  private readThisTurn = 0;
  private rests = false;
  private busy = false;
  private refusedData = false;
  private ending: Timer | undefined;
  private gone = false;
  private isEstablished = false;
  private isClosed = false;
  private failure: unknown;

  /** @param connection the TCP connection, which the channel may encrypt */
  constructor(
    private readonly connection: Socket,
    { socket, credentials }: SecureChannel,
    private readonly shared: TcpShared,
    remote: string,
    /** Told once when the link is established or gone. */
    private readonly leaveWaitingRoom: () => void,
  ) {
    this.socket = socket;
    this.credentials = credentials;
    this.remote = remote;
    this.queue = new WriteQueue(shared.arenas);
    this.splitter = new FrameSplitter((frame) => this.handler!.frame(frame), allocate);
    socket.on('error', (error) => (this.failure ??= error));
    socket.on('close', () => this.closed());
    shared.links.add(this);
  }

  /** Begins to read. What is sent before this waits in the queue of the turn. */
  open(handler: LinkHandler): void {
    this.handler = handler;
    this.socket.on('data', (piece: Buffer) => this.read(piece));
  }

  get bufferedBytes(): number {
    return this.queue.bytes + this.writingBytes;
  }

  send(frame: Frame): boolean {
    if (this.gone || this.ending !== undefined) return true;
    try {
      this.queue.add(frame);
    } catch (error) {
      this.fail(error);
      return true;
    }
    const buffered = this.queue.bytes + this.writingBytes;
    if (buffered > this.shared.limits.bufferedBytes) {
      this.fail(
        new ProtocolViolationError(
          'write-buffer',
          `${buffered} bytes wait for a peer that does not read them`,
        ),
      );
      return true;
    }
    this.framesThisTurn++;
    if (!this.awaitsTurnEnd) {
      this.awaitTurnEnd();
      if (!this.busy && !this.reading) this.flush();
    } else if (this.queue.bytes >= EAGER_BYTES) {
      this.flush();
    }
    if (buffered <= HIGH_WATER_BYTES) return true;
    this.refusedData = true;
    return false;
  }

  /** The turn in which something was sent is over. */
  turnEnded(): void {
    this.awaitsTurnEnd = false;
    this.busy = this.framesThisTurn > 1;
    this.framesThisTurn = 0;
    this.writtenThisTurn = 0;
    this.readThisTurn = 0;
    if (this.rests) {
      this.rests = false;
      this.socket.resume();
    }
    this.flush();
  }

  allowFrames(maxBytes: number): void {
    this.splitter.limitBytes = maxBytes;
  }

  established(): void {
    this.isEstablished = true;
    this.leaveWaitingRoom();
  }

  detach(chunk: Uint8Array): void {
    this.queue.detach(chunk);
    if (this.latest?.segments.some((segment) => isSame(segment, chunk)) === true)
      this.fail(new DeliveryUncertainError('A payload that was being written has been given up'));
  }

  end(): void {
    if (this.gone || this.ending !== undefined) return;
    if (this.queue.frames > 0) this.write();
    this.ending = this.shared.clock.setTimer(END_MS, () => this.destroy());
    this.socket.end();
  }

  destroy(): void {
    this.gone = true;
    this.splitter.stop();
    this.socket.destroy();
  }

  abort(): void {
    this.gone = true;
    this.splitter.stop();
    // A reset makes the kernel throw away what it would go on sending for minutes after a plain close.
    if (!this.connection.destroyed) this.connection.resetAndDestroy();
    this.socket.destroy();
  }

  /** Ends a link on which nothing is read, for a reason that its handler is told; the other side may hear one, too. */
  turnAway(handler: LinkHandler, reason: unknown, farewell?: Frame): void {
    this.handler = handler;
    this.failure ??= reason;
    if (farewell !== undefined && !this.socket.destroyed) {
      this.send(farewell);
      // What it still sends is thrown away: closing with bytes unread would take the farewell back.
      this.socket.removeAllListeners('data').resume();
      this.end();
      return;
    }
    this.destroy();
    // One that was gone before does not say so again.
    if (this.connection.closed) queueMicrotask(() => this.closed());
  }

  /** Ends the link for a reason that its handler is told. */
  fail(reason: unknown): void {
    this.failure ??= reason;
    this.destroy();
  }

  private read(piece: Buffer): void {
    this.shared.bytesIn += piece.length;
    this.readThisTurn += piece.length;
    if (this.readThisTurn >= TURN_BYTES) this.restUntilTurnEnd();
    this.reading = true;
    try {
      this.splitter.push(piece);
      if (!this.gone) this.handler!.batchEnd?.();
    } catch (error) {
      this.failed(error);
    } finally {
      this.reading = false;
    }
  }

  /** Node would read up to 2 MiB from one socket before it looks at another one. */
  private restUntilTurnEnd(): void {
    if (this.rests) return;
    this.rests = true;
    this.socket.pause();
    this.awaitTurnEnd();
  }

  private awaitTurnEnd(): void {
    if (this.awaitsTurnEnd) return;
    this.awaitsTurnEnd = true;
    this.shared.atTurnEnd(this);
  }

  private flush(): void {
    if (this.writing || this.gone || this.queue.frames === 0) return;
    if (this.writtenThisTurn < TURN_BYTES) this.write();
    else this.awaitTurnEnd();
  }

  private write(): void {
    const batch = this.queue.take();
    const { segments, bytes } = batch;
    this.latest = batch;
    this.flushedFrames += batch.frames;
    this.shared.bytesOut += bytes;
    this.writtenThisTurn += bytes;
    this.writingBytes += bytes;
    this.writing = true;
    const written = (error?: Error | null) => this.written(batch, error);
    if (segments.length === 1) {
      this.socket.write(segments[0]!, written);
    } else {
      this.socket.cork();
      const last = segments.length - 1;
      for (let i = 0; i < last; i++) this.socket.write(segments[i]!);
      this.socket.write(segments[last]!, written);
      this.socket.uncork();
    }
    // The kernel has taken all of it: the next write need not wait for the callback, which comes when the turn is over.
    if (this.socket.writableLength === 0 && !this.gone) this.taken(batch);
  }

  /** Nobody needs the bytes of a write any more. */
  private taken(batch: WriteBatch): void {
    batch.isTaken = true;
    if (this.latest === batch) this.latest = undefined;
    this.writingBytes -= batch.bytes;
    this.writing = this.writingBytes > 0;
    for (const arena of batch.arenas) this.shared.arenas.giveBack(arena);
  }

  private written(batch: WriteBatch, error: Error | null | undefined): void {
    // After a failure the kernel may still hold on to the bytes.
    if (!batch.isTaken) {
      if (error) return;
      this.taken(batch);
    }
    if (!this.awaitsTurnEnd) this.flush();
    if (!this.refusedData || this.gone || this.bufferedBytes >= LOW_WATER_BYTES) return;
    this.refusedData = false;
    try {
      this.handler!.drained();
    } catch (failure) {
      this.failed(failure);
    }
  }

  /** What was read is no frame, or the handler has a defect: neither may take the process down. */
  private failed(error: unknown): void {
    if (!(error instanceof ProtocolViolationError)) {
      this.shared.logger.error(`The link with ${this.remote} is closed, since handling it failed`, error);
    }
    // Said in plaintext to a TLS client: it cannot read the words, but it sees that this is no TLS.
    if (error instanceof ProtocolViolationError && error.violation === 'tls')
      this.turnAway(this.handler!, error, { type: 'refuse', reason: 'security', detail: 'plaintext' });
    else this.fail(error);
  }

  private closed(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.gone = true;
    this.ending?.cancel();
    this.shared.links.delete(this);
    this.leaveWaitingRoom();
    // An established peer that dies within a frame is no violator; a stranger that stops there never was a peer.
    if (this.failure === undefined && this.splitter.midFrame && !this.isEstablished) {
      this.failure = new ProtocolViolationError('truncated', 'The connection ended within a frame');
    }
    this.splitter.stop();
    try {
      this.handler?.closed(this.failure);
    } catch (error) {
      this.shared.logger.error(`Closing the link with ${this.remote} failed`, error);
    }
  }
}

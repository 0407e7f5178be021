import { connect, createServer, type Server, type Socket } from 'node:net';
import { formatAddress, type Address } from '../../address.js';
import type { Clock } from '../../clock.js';
import { ProtocolViolationError } from '../../errors.js';
import { silentLogger, type ClusterLogger } from '../../logger.js';
import { setDeadline } from '../deadline.js';
import { DialError } from '../dial-error.js';
import type { Dial, DialOutcome, Link, LinkHandler, LinkListener, Links } from '../link.js';
import { ArenaPool } from './arena-pool.js';
import { ConnectionLimits } from './connection-limits.js';
import { NameResolver } from './name-resolver.js';
import {
  plaintext,
  type SecureChannel,
  type SecurityFailure,
  type SocketSecurity,
} from './socket-security.js';
import { TcpDial } from './tcp-dial.js';
import { TcpLink } from './tcp-link.js';
import { remoteOf, TcpListener } from './tcp-listener.js';
import {
  DEFAULT_KEEP_ALIVE_MS,
  DEFAULT_SECURE_MS,
  DEFAULT_TCP_LIMITS,
  type Connect,
  type SocketSettings,
  type TcpLimits,
  type TcpOptions,
} from './tcp-options.js';
import type { TcpShared } from './tcp-shared.js';

const NOTHING = (): void => undefined;

// One literal, one attempt: what it answers is evidence about this address and no other.
const connectOnce: Connect = (host, port, settings) =>
  connect({ host, port, autoSelectFamily: false, ...settings });

/** A connection that came in, before frames may flow on it. */
interface Arrival {
  readonly socket: Socket;
  readonly remote: string;
  readonly accept: (link: Link) => LinkHandler;
  readonly leaveWaitingRoom: () => void;
}

/** Pipes of frames over TCP. */
export class TcpLinks implements Links, TcpShared {
  readonly clock: Clock;
  readonly logger: ClusterLogger;
  readonly limits: TcpLimits;
  readonly arenas = new ArenaPool();
  readonly links = new Set<TcpLink>();
  bytesIn = 0;
  bytesOut = 0;

  private readonly security: SocketSecurity;
  private readonly handshakeMs: number;
  private readonly connect: Connect;
  private readonly settings: SocketSettings;
  private readonly names: NameResolver;
  private readonly strangers: ConnectionLimits;
  private readonly listeners = new Set<TcpListener>();
  private readonly dials = new Set<TcpDial>();
  /** Accepted connections that are not secured yet. */
  private readonly arriving = new Set<Socket>();
  /** Sockets and servers whose handles are not gone yet. */
  private readonly handles = new Set<Socket | Server>();
  private lastHandleGone: (() => void) | undefined;
  private closing: Promise<void> | undefined;
  private toFlush: TcpLink[] = [];
  private keepsAlive = true;

  constructor(options: TcpOptions) {
    this.clock = options.clock;
    this.logger = options.logger ?? silentLogger;
    this.limits = { ...DEFAULT_TCP_LIMITS, ...options.limits };
    this.security = options.security ?? plaintext;
    this.handshakeMs = options.handshakeMs ?? DEFAULT_SECURE_MS;
    this.connect = options.connect ?? connectOnce;
    const keepAliveInitialDelay = options.keepAliveMs ?? DEFAULT_KEEP_ALIVE_MS;
    this.settings = { noDelay: true, keepAlive: true, keepAliveInitialDelay };
    this.names = new NameResolver(options.clock, options.lookup);
    this.strangers = new ConnectionLimits(this.limits);
  }

  get open(): number {
    return this.links.size + this.arriving.size;
  }

  async listen(
    endpoint: Address,
    accept: (link: Link) => LinkHandler,
    lost: (cause: unknown) => void,
  ): Promise<LinkListener> {
    const server = createServer({ ...this.settings, allowHalfOpen: false }, (socket) =>
      this.accept(socket, accept),
    );
    this.track(server);
    let listener: TcpListener;
    try {
      listener = await TcpListener.bind(server, endpoint, this, {
        close: (gone) => this.listeners.delete(gone),
        lost,
      });
    } catch (error) {
      // A server that never listened emits no close event.
      this.untrack(server);
      throw error;
    }
    this.listeners.add(listener);
    if (this.closing !== undefined) await listener.close();
    return listener;
  }

  dial(address: Address, timeoutMs: number, outcome: DialOutcome): Dial {
    const dial: TcpDial = new TcpDial(
      {
        clock: this.clock,
        names: this.names,
        security: this.security,
        connect: (ip, port) => this.track(this.connect(ip, port, this.settings)),
      },
      address,
      timeoutMs,
      {
        opened: (socket, channel) => {
          this.dials.delete(dial);
          this.dialled(socket, channel, address, outcome);
        },
        failed: (report, error) => {
          this.dials.delete(dial);
          outcome.failed(report, error);
        },
      },
    );
    this.dials.add(dial);
    const cancel = (): void => {
      this.dials.delete(dial);
      dial.cancel();
    };
    if (this.closing !== undefined) cancel();
    return { cancel };
  }

  atTurnEnd(link: TcpLink): void {
    if (this.toFlush.push(link) === 1) setImmediate(() => this.endTurn());
  }

  /** Sockets and listeners keep the process alive, as they do by default. */
  ref(): void {
    this.keepsAlive = true;
    for (const handle of this.handles) handle.ref();
  }

  /** Sockets and listeners, those to come included, do not keep the process alive. */
  unref(): void {
    this.keepsAlive = false;
    for (const handle of this.handles) handle.unref();
  }

  close(): Promise<void> {
    this.closing ??= this.closeAll();
    return this.closing;
  }

  private async closeAll(): Promise<void> {
    // `closing` is set before anything is torn down: what that calls sees it.
    await Promise.resolve();
    this.names.close();
    for (const dial of this.dials) dial.cancel();
    this.dials.clear();
    for (const listener of this.listeners) void listener.close();
    for (const link of this.links) link.destroy();
    for (const socket of this.arriving) socket.destroy();
    while (this.handles.size > 0) await new Promise<void>((resolve) => (this.lastHandleGone = resolve));
    // A server says "close" before its handle is gone, which takes the rest of this turn of the loop.
    await turnOfLoop();
    await turnOfLoop();
  }

  private accept(socket: Socket, accept: (link: Link) => LinkHandler): void {
    const remote = remoteOf(socket);
    if (remote === undefined || this.closing !== undefined) {
      socket.on('error', NOTHING);
      socket.destroy();
      return;
    }
    this.track(socket);
    const objection = this.strangers.objection(remote.host, this.open);
    const arrival: Arrival = {
      socket,
      remote: formatAddress(remote),
      accept,
      leaveWaitingRoom: this.strangers.enter(remote.host),
    };
    if (objection === undefined) this.secure(arrival);
    else this.turnAway(arrival, { error: objection });
  }

  /** Frames flow once the connection is secured; until then it has a deadline, and its end is reported like a link's. */
  private secure(arrival: Arrival): void {
    const { socket, remote, accept, leaveWaitingRoom } = arrival;
    const settle = (): boolean => {
      deadline.cancel();
      socket.off('close', gone);
      return this.arriving.delete(socket) && this.closing === undefined;
    };
    const gone = (): void => {
      if (settle()) this.turnAway(arrival, {});
      else leaveWaitingRoom();
    };
    const deadline = setDeadline(this.clock, this.handshakeMs, () => {
      const error = new ProtocolViolationError('handshake-timeout', 'it was not secured in time');
      if (settle()) this.turnAway(arrival, { error });
    });
    this.arriving.add(socket);
    socket.on('error', NOTHING);
    socket.on('close', gone);
    this.security.accepted(socket, remote, {
      secured: (channel) => {
        if (settle()) this.start(socket, channel, remote, leaveWaitingRoom, accept);
      },
      failed: (failure) => {
        if (settle()) this.turnAway(arrival, failure);
      },
    });
  }

  private turnAway(arrival: Arrival, { error, farewell }: Partial<SecurityFailure>): void {
    const { socket, remote, accept, leaveWaitingRoom } = arrival;
    const channel = { socket: farewell?.channel ?? socket, credentials: undefined };
    const link = new TcpLink(socket, channel, this, remote, leaveWaitingRoom);
    link.turnAway(accept(link), error, farewell?.frame);
  }

  private dialled(socket: Socket, channel: SecureChannel, address: Address, outcome: DialOutcome): void {
    if (this.open >= this.limits.connections) {
      socket.destroy();
      outcome.failed(
        'local',
        new DialError(address, `this node has its ${this.limits.connections} connections already`),
      );
      return;
    }
    const remote = remoteOf(socket);
    const shown = remote === undefined ? formatAddress(address) : formatAddress(remote);
    this.start(socket, channel, shown, NOTHING, (link) => outcome.opened(link));
  }

  private start(
    socket: Socket,
    channel: SecureChannel,
    remote: string,
    leaveWaitingRoom: () => void,
    handlerFor: (link: Link) => LinkHandler,
  ): void {
    const link = new TcpLink(socket, channel, this, remote, leaveWaitingRoom);
    try {
      link.open(handlerFor(link));
    } catch (error) {
      this.logger.error(`The connection with ${remote} is closed, since taking it up failed`, error);
      link.fail(error);
    }
  }

  private endTurn(): void {
    const links = this.toFlush;
    this.toFlush = [];
    for (const link of links) link.turnEnded();
  }

  private track<T extends Socket | Server>(handle: T): T {
    this.handles.add(handle);
    if (!this.keepsAlive) handle.unref();
    handle.once('close', () => this.untrack(handle));
    return handle;
  }

  private untrack(handle: Socket | Server): void {
    this.handles.delete(handle);
    if (this.handles.size === 0) this.lastHandleGone?.();
  }
}

function turnOfLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

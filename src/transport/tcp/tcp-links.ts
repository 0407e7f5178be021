import type { Server, Socket } from 'node:net';
import { formatAddress, type Address } from '../../address.js';
import type { Clock } from '../../clock.js';
import { silentLogger, type ClusterLogger } from '../../logger.js';
import { DialError } from '../dial-error.js';
import type { Dial, DialOutcome, Link, LinkHandler, LinkListener, Links } from '../link.js';
import { ArenaPool } from './arena-pool.js';
import { ConnectionLimits } from './connection-limits.js';
import { NameResolver } from './name-resolver.js';
import { plainSockets, type SocketSource } from './socket-source.js';
import { TcpDial } from './tcp-dial.js';
import { TcpLink } from './tcp-link.js';
import { remoteOf, TcpListener } from './tcp-listener.js';
import { DEFAULT_KEEP_ALIVE_MS, DEFAULT_TCP_LIMITS, type TcpLimits, type TcpOptions } from './tcp-options.js';
import type { TcpShared } from './tcp-shared.js';

const NOTHING = (): void => undefined;

/** Pipes of frames over TCP. */
export class TcpLinks implements Links, TcpShared {
  readonly clock: Clock;
  readonly logger: ClusterLogger;
  readonly limits: TcpLimits;
  readonly arenas = new ArenaPool();
  readonly links = new Set<TcpLink>();
  bytesIn = 0;
  bytesOut = 0;

  private readonly sockets: SocketSource;
  private readonly settings: { readonly keepAliveMs: number };
  private readonly names: NameResolver;
  private readonly strangers: ConnectionLimits;
  private readonly listeners = new Set<TcpListener>();
  private readonly dials = new Set<TcpDial>();
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
    this.sockets = options.sockets ?? plainSockets;
    this.settings = { keepAliveMs: options.keepAliveMs ?? DEFAULT_KEEP_ALIVE_MS };
    this.names = new NameResolver(options.clock, options.lookup);
    this.strangers = new ConnectionLimits(this.limits);
  }

  get open(): number {
    return this.links.size;
  }

  async listen(
    endpoint: Address,
    accept: (link: Link) => LinkHandler,
    lost: (cause: unknown) => void,
  ): Promise<LinkListener> {
    const server = this.sockets.createServer(this.settings, (socket) => this.accept(socket, accept));
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
        readyEvent: this.sockets.readyEvent,
        connect: (ip, port) => this.track(this.sockets.connect(ip, port, this.settings)),
      },
      address,
      timeoutMs,
      {
        opened: (socket) => {
          this.dials.delete(dial);
          this.dialled(socket, address, outcome);
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
    for (const dial of this.dials) dial.cancel();
    this.dials.clear();
    for (const listener of this.listeners) void listener.close();
    for (const link of this.links) link.destroy();
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
    const objection = this.strangers.objection(remote.host, this.links.size);
    this.start(socket, formatAddress(remote), this.strangers.enter(remote.host), accept, objection);
  }

  private dialled(socket: Socket, address: Address, outcome: DialOutcome): void {
    if (this.links.size >= this.limits.connections) {
      socket.destroy();
      outcome.failed(
        'local',
        new DialError(address, `this node has its ${this.limits.connections} connections already`),
      );
      return;
    }
    const remote = remoteOf(socket);
    const shown = remote === undefined ? formatAddress(address) : formatAddress(remote);
    this.start(socket, shown, NOTHING, (link) => outcome.opened(link), undefined);
  }

  private start(
    socket: Socket,
    remote: string,
    leaveWaitingRoom: () => void,
    handlerFor: (link: Link) => LinkHandler,
    objection: Error | undefined,
  ): void {
    const link = new TcpLink(socket, this, remote, leaveWaitingRoom);
    try {
      link.open(handlerFor(link));
    } catch (error) {
      this.logger.error(`The connection with ${remote} is closed, since taking it up failed`, error);
      link.fail(error);
    }
    if (objection !== undefined) link.fail(objection);
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

import type { Address } from '../../address.js';
import type { NodeId } from '../../node-id.js';
import type {
  Binding,
  BindOptions,
  Destination,
  IncomingMessage,
  Receipt,
  Transport,
  TransportSendOptions,
} from '../../transport/transport.js';
import { ForwardingTransport } from './forwarding-transport.js';

/** Whom a tap tells what passes. */
export interface MessageWatcher {
  /** Gives what arrives on: a handler may begin with a message before the node has said that it took it. */
  arrived(message: IncomingMessage, give: () => Receipt): Receipt;
  /** Sends what goes out; a reply's promise rejects when its asker cannot be sure to get it. */
  leaves(to: Destination, options: TransportSendOptions, send: () => Promise<void>): Promise<void>;
  /** The node tells its transport that a member is gone. */
  forgets(id: NodeId): void;
  /** The transport says goodbye everywhere. */
  closes(): void;
}

/** Watches what a transport carries, and what it puts into its node's inbox, at the moment at which it does. */
export class MessageTap extends ForwardingTransport {
  constructor(
    inner: Transport,
    private readonly watcher: MessageWatcher,
  ) {
    super(inner);
  }

  override bind(endpoint: Address, options: BindOptions = {}): Promise<Binding> {
    const { host } = options;
    const receive = host?.receive?.bind(host);
    if (receive === undefined) return super.bind(endpoint, options);
    const tapped = (message: IncomingMessage): Receipt =>
      this.watcher.arrived(message, () => receive(message));
    return super.bind(endpoint, { ...options, host: { ...host, receive: tapped } });
  }

  override send(to: Destination, payload: Uint8Array, options: TransportSendOptions = {}): Promise<void> {
    return this.watcher.leaves(to, options, () => super.send(to, payload, options));
  }

  override forget(id: NodeId, why: 'left' | 'unreachable'): void {
    this.watcher.forgets(id);
    super.forget(id, why);
  }

  override close(reason?: 'left' | 'shutdown'): Promise<void> {
    this.watcher.closes();
    return super.close(reason);
  }
}

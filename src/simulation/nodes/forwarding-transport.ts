import type { Address } from '../../address.js';
import type { NodeId } from '../../node-id.js';
import type {
  Binding,
  BindOptions,
  CastOptions,
  Destination,
  Transport,
  TransportSendOptions,
  TransportStats,
} from '../../transport/transport.js';

/** A transport that does what another one does: to be extended by those that watch, or that spoil something. */
export class ForwardingTransport implements Transport {
  constructor(protected readonly inner: Transport) {}

  get stats(): TransportStats {
    return this.inner.stats;
  }

  bind(endpoint: Address, options?: BindOptions): Promise<Binding> {
    return this.inner.bind(endpoint, options);
  }

  send(destination: Destination, payload: Uint8Array, options?: TransportSendOptions): Promise<void> {
    return this.inner.send(destination, payload, options);
  }

  cast(destination: Destination, body: unknown, options?: CastOptions): void {
    this.inner.cast(destination, body, options);
  }

  grant(id: NodeId): void {
    this.inner.grant(id);
  }

  forget(id: NodeId, why: 'left' | 'unreachable'): void {
    this.inner.forget(id, why);
  }

  reset(id: NodeId): void {
    this.inner.reset(id);
  }

  ref(): void {
    this.inner.ref?.();
  }

  unref(): void {
    this.inner.unref?.();
  }

  close(reason?: 'left' | 'shutdown'): Promise<void> {
    return this.inner.close(reason);
  }
}

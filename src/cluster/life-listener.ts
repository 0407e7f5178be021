import type { ClusterError } from '../errors.js';
import type { MembershipEvent } from '../membership/membership.js';
import type { TraceEvent } from '../membership/protocol.js';
import type { NodeId } from '../node-id.js';
import type { IncomingMessage, Receipt } from '../transport/transport.js';

/** Whom a node's life tells what happens in it. */
export interface LifeListener {
  /** The node is about to listen. Undefined: nothing is to be waited for. */
  binding(): Promise<void> | undefined;
  event(event: MembershipEvent): void;
  /** Nothing comes from this member any more: what waits for it is in vain. */
  gone(id: NodeId, why: string): void;
  receive(message: IncomingMessage): Receipt;
  error(error: ClusterError): void;
  /** What the protocol does, for whoever explains it. */
  trace(event: TraceEvent): void;
  /** Everything is closed: nothing will happen any more. */
  ended(): void;
}

import type { Clock, Timer } from '../clock.js';
import type { MembershipEvent } from '../membership/membership.js';
import type { NodeId } from '../node-id.js';
import type { Transport } from '../transport/transport.js';
import type { LifeListener } from './life-listener.js';

/**
 * What the view means for links and for calls that wait. A member gets credit; one that became unreachable is given up
 * at once; one that has left gets the time in which it says goodbye on its links, since the news of its leave overtakes
 * what it answers. One timer per leaver.
 */
export class MemberTies {
  readonly #leavers = new Map<NodeId, Timer>();

  /** @param leaveMs how long a leaver may take until its goodbye */
  constructor(
    readonly clock: Clock,
    readonly leaveMs: number,
    readonly listener: Pick<LifeListener, 'gone'>,
  ) {}

  onEvent({ type, member: { id } }: MembershipEvent, transport: Transport | undefined): void {
    if (type === 'unreachable') this.#cut(id, transport, type, 'became unreachable');
    else if (type === 'left') this.#cutLater(id, transport);
    else if (type === 'joined' || type === 'recovered') transport?.grant(id);
  }

  close(): void {
    for (const timer of this.#leavers.values()) timer.cancel();
    this.#leavers.clear();
  }

  #cutLater(id: NodeId, transport: Transport | undefined): void {
    this.#leavers.get(id)?.cancel();
    const timer = this.clock.setTimer(this.leaveMs, () => {
      this.#leavers.delete(id);
      this.#cut(id, transport, 'left', 'left');
    });
    this.#leavers.set(id, timer);
  }

  #cut(id: NodeId, transport: Transport | undefined, why: 'left' | 'unreachable', text: string): void {
    transport?.forget(id, why);
    this.listener.gone(id, text);
  }
}

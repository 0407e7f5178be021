import { BroadcastFailedError, type ClusterError } from '../../errors.js';
import type { BroadcastOutcome, Member } from '../../membership/membership.js';
import { asClusterError } from './message-errors.js';

/** Gathers what became of a broadcast, member by member. */
export class Broadcast {
  readonly #delivered: Member[] = [];
  readonly #failed: { readonly member: Member; readonly error: ClusterError }[] = [];

  constructor(
    private readonly recipients: number,
    private readonly resolve: (outcome: BroadcastOutcome) => void,
    private readonly reject: (error: BroadcastFailedError) => void,
  ) {
    if (recipients === 0) this.#end();
  }

  settled(member: Member, error: unknown): void {
    if (error === undefined) this.#delivered.push(member);
    else this.#failed.push({ member, error: asClusterError(error) });
    if (this.#delivered.length + this.#failed.length === this.recipients) this.#end();
  }

  #end(): void {
    const outcome: BroadcastOutcome = { delivered: this.#delivered, failed: this.#failed };
    if (outcome.delivered.length === 0 && outcome.failed.length > 0)
      this.reject(new BroadcastFailedError(outcome));
    else this.resolve(outcome);
  }
}

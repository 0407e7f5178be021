import type { ClusterError } from '../../errors.js';
import type { Member, SendOptions } from '../../membership/membership.js';

/** Options of `request`. @publicApi */
export interface RequestOptions extends SendOptions {
  /** How long to wait for the answer, in milliseconds. Default: `requestTimeoutMs` of the options, 5,000. */
  readonly timeoutMs?: number | undefined;
  /**
   * Called with the headers that the handler set for its answer (`ClusterMessage.setReplyHeaders`), right before the
   * promise resolves, or rejects with what the handler told; `{}` when it set none.
   */
  readonly onReplyHeaders?: ((headers: Readonly<Record<string, string>>) => void) | undefined;
}

/** What became of a request at one member. @publicApi */
export interface RequestOutcome<Reply> {
  /** Who was asked. */
  readonly member: Member;
  /** What its handler answered. */
  readonly reply?: Reply;
  /** Why there is no reply; undefined when there is one. */
  readonly error?: ClusterError;
}

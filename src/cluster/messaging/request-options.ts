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

/** Options of `requestAny`. Its `timeoutMs` bounds the whole call, however many members are asked. @publicApi */
export interface RequestAnyOptions extends RequestOptions {
  /** Which members may be asked. Default: every other one that is alive and not draining. */
  readonly where?: ((member: Member) => boolean) | undefined;
  /** This node may be asked as well. Default: false. */
  readonly includeSelf?: boolean | undefined;
  /** Called with each member right before it is asked: with several when the first ones did nothing. */
  readonly onAsk?: ((member: Member) => void) | undefined;
}

/** Options of `requestAll`. Every outcome is there by `timeoutMs`. @publicApi */
export interface RequestAllOptions extends RequestOptions {
  /** Which members are asked. Default: every active one. */
  readonly where?: ((member: Member) => boolean) | undefined;
  /** Ask this node as well. Default: false. */
  readonly includeSelf?: boolean | undefined;
}

/**
 * What became of a request at one member: its reply, or the error. Where `error` is undefined, `reply` has its type.
 *
 * @publicApi
 */
export type RequestOutcome<Reply> =
  | { readonly member: Member; readonly reply: Reply; readonly error?: undefined }
  | { readonly member: Member; readonly error: ClusterError; readonly reply?: undefined };

import { IntrinsicException } from '@nestjs/common';

/**
 * Thrown by a request handler (or its guards, pipes, interceptors) to tell the caller something. The caller's
 * promise rejects with a `RemoteError` that carries code, message and response.
 *
 * It is an expected outcome, not a fault: where nobody asked (in a message or member handler), it is logged once
 * as a warning.
 *
 * ```ts
 * throw new ClusterException('OUT_OF_STOCK', 'No more of this', { sku });
 * ```
 *
 * @publicApi
 */
export class ClusterException extends IntrinsicException {
  /** The name of the class, as in every error. */
  override readonly name = 'ClusterException';

  constructor(
    /** What the caller sees as `remoteCode`. */
    readonly code: string,
    message: string,
    /** What the caller sees as `response`: anything that the serializer takes. */
    readonly response?: unknown,
    options?: { readonly cause?: unknown },
  ) {
    super(message);
    if (options?.cause !== undefined) this.cause = options.cause;
  }
}

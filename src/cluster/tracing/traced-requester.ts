import type { Member, Recipient } from '../../membership/membership.js';
import type { EncodedPattern } from '../messaging/envelope.js';
import type { Encoded } from '../messaging/outbox.js';
import type { RequestOptions } from '../messaging/request-options.js';
import { Requester } from '../messaging/requester.js';
import type { Tracing } from './tracing.js';
import { withHeaders } from './with-headers.js';

/** A requester with a span around each request, those of `requestAny` and `requestAll` included. */
export class TracedRequester extends Requester {
  readonly #tracing: Tracing;

  constructor(tracing: Tracing, ...given: ConstructorParameters<typeof Requester>) {
    super(...given);
    this.#tracing = tracing;
  }

  override request(
    to: Recipient,
    pattern: string,
    data: unknown,
    options?: RequestOptions,
  ): Promise<unknown> {
    const { tracer } = this.#tracing;
    if (tracer === undefined) return super.request(to, pattern, data, options);
    return tracer.sendToOne('request', pattern, to, options?.headers, (headers) =>
      super.request(to, pattern, data, withHeaders(options, headers)),
    );
  }

  protected override ask(
    member: Member,
    pattern: string,
    encodedPattern: EncodedPattern,
    encoded: Encoded,
    timeoutMs: number,
    options: RequestOptions,
  ): Promise<unknown> {
    const { tracer } = this.#tracing;
    const ask = (given: RequestOptions): Promise<unknown> =>
      super.ask(member, pattern, encodedPattern, encoded, timeoutMs, given);
    if (tracer === undefined) return ask(options);
    return tracer.sendToOne('request', pattern, member, options.headers, (headers) =>
      ask(withHeaders(options, headers)),
    );
  }
}

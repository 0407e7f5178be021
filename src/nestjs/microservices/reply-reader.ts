import type { Headers } from '../../cluster/messaging/envelope.js';
import { RequestTimeoutError, SerializationError } from '../../errors.js';
import type { MembershipService } from '../membership.service.js';
import type { StreamAddress } from './reply-stream-protocol.js';
import { streamAddressOf } from './reply-stream-protocol.js';

/** One request for more; when nothing comes for so long, it is asked again. */
const ASK_AGAIN_MS = 30_000;

/** What reading an answer needs. */
export interface ReplyReaderOptions {
  readonly membership: MembershipService;
  readonly signal: AbortSignal;
  readonly value: (value: unknown) => Promise<void>;
  /** Told the headers of each answer, those of an error too. */
  readonly onHeaders: (headers: Headers) => void;
}

/**
 * Reads the rest of an answer of several values, one request after the other.
 *
 * @param first the values that came with the first answer
 * @throws what the requests reject with · SerializationError for an answer that is none
 */
export async function readReplies(
  options: ReplyReaderOptions,
  first: unknown,
  begin: StreamAddress | undefined,
): Promise<void> {
  const { membership, signal, value } = options;
  let values = first;
  let rest = begin;
  for (let received = 0; ;) {
    if (!Array.isArray(values)) throw new SerializationError('An answer of several values is no list');
    for (const one of values as unknown[]) {
      if (signal.aborted) break;
      await value(one);
    }
    received += values.length;
    if (rest === undefined) return;
    const at: StreamAddress = rest;
    if (signal.aborted) return cancel(membership, at);
    try {
      const next = await more(options, at, received);
      values = next.values;
      rest = next.rest;
    } catch (error) {
      if (signal.aborted) return cancel(membership, at);
      if (!(error instanceof RequestTimeoutError)) throw error;
      values = [];
    }
  }
}

async function more(
  { membership, signal, onHeaders }: ReplyReaderOptions,
  { id, member, pattern }: StreamAddress,
  received: number,
): Promise<{ readonly values: unknown; readonly rest: StreamAddress | undefined }> {
  let rest: StreamAddress | undefined;
  const values: unknown = await membership.request(member, pattern, [id, received], {
    timeoutMs: ASK_AGAIN_MS,
    signal,
    onReplyHeaders: (headers) => {
      rest = streamAddressOf(headers);
      onHeaders(headers);
    },
  });
  return { values, rest };
}

/** So that its source is not kept; if this does not arrive, the server gives it up in time. */
export function cancel(membership: MembershipService, { id, member, pattern }: StreamAddress): void {
  membership.emit(member, pattern, [id]).catch(() => undefined);
}

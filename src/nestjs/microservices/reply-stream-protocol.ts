import type { Headers } from '../../cluster/messaging/envelope.js';

/**
 * How an answer of several values travels: in batches that the caller asks for, one request each, so that delivery, order
 * and back-pressure are those of requests.
 *
 * 1. The caller's request has the header `clusterpack-replies: many`; a handler that knows nothing of it answers once.
 *    Its header `clusterpack-call` names the call: who wants no answer any more, and has none yet that says where the rest
 *    is, sends `[call]` as a message of the pattern `clusterpack-cancel`.
 * 2. One value that is complete at once is answered as it is. Otherwise the answer is a list of values, and its header
 *    `clusterpack-replies` says `last`, or `more`; then `clusterpack-next` has the pattern to ask for more, and
 *    `clusterpack-stream` the stream and the member: `id@member`.
 * 3. The caller asks for more with `[id, received]`. That also says that it has the first `received` values: until then
 *    they are kept, so an answer that came too late loses none. It is answered when there is something to say.
 * 4. An error is the answer to the first request that finds no value before it. Who wants no more sends `[id]` as a
 *    message of the same pattern.
 */
export const REPLIES = 'clusterpack-replies';
export const CALL = 'clusterpack-call';
export const CANCEL = 'clusterpack-cancel';
export const NEXT = 'clusterpack-next';
export const STREAM = 'clusterpack-stream';
/** Says that an error is what a `@MessagePattern` handler told, as it told it. */
export const TOLD = 'clusterpack-told';

/** Where the rest of an answer is. */
export interface StreamAddress {
  readonly id: string;
  readonly member: string;
  readonly pattern: string;
}

/** The headers of a batch. @param rest undefined: it was the last one */
export function batchHeaders(rest: StreamAddress | undefined): Headers {
  if (rest === undefined) return { [REPLIES]: 'last' };
  return { [REPLIES]: 'more', [NEXT]: rest.pattern, [STREAM]: `${rest.id}@${rest.member}` };
}

/** Where the rest is, by the headers of an answer; undefined when there is none. */
export function streamAddressOf(headers: Headers): StreamAddress | undefined {
  const pattern = headers[NEXT];
  const [id, member] = headers[STREAM]?.split('@') ?? [];
  if (headers[REPLIES] !== 'more' || pattern === undefined || id === undefined || member === undefined)
    return undefined;
  return { id, member, pattern };
}

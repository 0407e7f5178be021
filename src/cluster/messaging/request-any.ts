import {
  NoHandlerError,
  NotDeliveredError,
  RequestTimeoutError,
  UnknownMemberError,
  clip,
  type ClusterError,
} from '../../errors.js';
import type { Member } from '../../membership/membership.js';
import type { NodeId } from '../../node-id.js';
import type { Rotation } from './rotation.js';

/** What is needed to ask one of several members. */
export interface AnyRequest {
  readonly pattern: string;
  /** Bounds all attempts together. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  now(): number;
  /** Who may be asked at this moment. */
  fit(): readonly Member[];
  ask(member: Member, timeoutMs: number): Promise<unknown>;
}

/** One attempt is over, and the member has done nothing, for certain. */
type DidNothing = NotDeliveredError | NoHandlerError;

/**
 * Asks one member, and the next where one did nothing for certain, until there is an answer, none is left or the time
 * is over. Nobody is asked twice.
 *
 * @throws what asking one threw if it may have done something; otherwise an error that says how many were asked
 */
export async function requestAny(request: AnyRequest, rotation: Rotation): Promise<unknown> {
  const { pattern, timeoutMs, signal } = request;
  const deadlineMs = request.now() + timeoutMs;
  const tried = new Map<NodeId, DidNothing>();
  let leftMs = timeoutMs;
  for (;;) {
    const fit = request.fit();
    const left = tried.size === 0 ? fit : fit.filter((member) => !tried.has(member.id));
    const member = leftMs >= 1 ? rotation.next(pattern, left) : undefined;
    if (member === undefined) throw nobody(pattern, [...tried.values()], left.length, timeoutMs);
    try {
      return await request.ask(member, leftMs);
    } catch (error) {
      if (error instanceof RequestTimeoutError) throw new RequestTimeoutError(pattern, timeoutMs);
      if (!didNothing(error) || signal?.aborted) throw error;
      tried.set(member.id, error);
    }
    leftMs = deadlineMs - request.now();
  }
}

function didNothing(error: unknown): error is DidNothing {
  return error instanceof NotDeliveredError || error instanceof NoHandlerError;
}

/** @param left how many could still be asked, had there been time */
function nobody(
  pattern: string,
  tried: readonly DidNothing[],
  left: number,
  timeoutMs: number,
): ClusterError {
  const last = tried.at(-1);
  if (last === undefined) {
    return new UnknownMemberError(
      `No member fits the request "${clip(pattern)}": none is alive, not draining and matches "where"`,
    );
  }
  if (left === 0 && tried.every((error) => error instanceof NoHandlerError)) {
    return new NoHandlerError(pattern, tried.length, { cause: last });
  }
  const asked = `asked: ${tried.length}${left === 0 ? '' : `, left after ${timeoutMs} ms: ${left}`}`;
  return new NotDeliveredError(
    `No member took the request "${clip(pattern)}" (${asked}); the last one: ${last.message}`,
    { cause: last },
  );
}

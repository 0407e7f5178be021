import type { Endpoint } from './endpoint.js';
import { MAX_UNACKED_FRAMES } from './limits.js';
import type { Peer } from './peer.js';

/**
 * What is wrong with an endpoint's books: credit below zero, or anything over its limit. For tests and simulation; a
 * sound endpoint has nothing to complain about, whatever its peers do.
 *
 * @param isCalm every message has settled and was released: then nothing may be left in the books
 */
export function audit(endpoint: Endpoint, isCalm: boolean): string[] {
  const { limits, budget } = endpoint.receiver;
  const complaints = endpoint.peers.flatMap((peer) => [
    ...complaintsOf(peer, endpoint, isCalm).map((what) => `${what}, peer ${peer.id ?? 'without a name'}`),
  ]);
  const { protocolPool, payloadPool } = endpoint.lanes;
  if (budget.usedBytes < 0) complaints.push(`the reassembly budget stands at ${budget.usedBytes} bytes`);
  if (isCalm && budget.usedBytes !== 0)
    complaints.push(`${budget.usedBytes} bytes of the reassembly budget are never given back`);
  if (protocolPool.size > limits.protocolLinks) complaints.push(`${protocolPool.size} protocol links`);
  if (payloadPool.size > limits.payloadLinks) complaints.push(`${payloadPool.size} payload links`);
  return complaints;
}

function complaintsOf(
  { out, incoming, casts }: Peer,
  { settings: { limits } }: Endpoint,
  isCalm: boolean,
): string[] {
  const found: string[] = [];
  const { messages, bytes, frames } = out.load;
  const outWithin = within(found, 'outgoing');
  outWithin('messages', messages, isCalm ? 0 : limits.sendQueueMessages);
  // One larger payload passes when nothing else waits.
  outWithin('bytes', bytes, isCalm ? 0 : messages === 1 ? Infinity : limits.sendQueueBytes);
  outWithin('unacknowledged frames', frames, isCalm ? 0 : MAX_UNACKED_FRAMES);
  if (out.leastCredit < 0) found.push(`more was sent than there was credit for, by ${-out.leastCredit}`);
  within(found, 'waiting')('casts', casts.length, limits.castQueue);
  if (incoming === undefined) return found;
  const inWithin = within(found, 'held');
  inWithin('replies', incoming.heldReplies, isCalm ? 0 : limits.heldReplies);
  inWithin('messages', incoming.held, isCalm ? 0 : Infinity);
  if (incoming.leastCredit < 0)
    found.push(`more was taken than there was credit for, by ${-incoming.leastCredit}`);
  return found;
}

function within(found: string[], which: string): (what: string, count: number, most: number) => void {
  return (what, count, most) => {
    if (count < 0 || count > most) found.push(`${count} ${which} ${what}, where at most ${most} may be`);
  };
}

import type { NodeId } from '../../node-id.js';
import type { Endpoint } from './endpoint.js';
import type { Inbox } from './inbox.js';
import type { IncomingSession } from './incoming-session.js';
import type { StreamStanding } from './incoming-stream.js';
import { MAX_UNACKED_FRAMES, type TransportLimits } from './limits.js';
import type { OutgoingSession } from './outgoing-session.js';
import type { Peer } from './peer.js';
import type { PeerLink } from './peer-link.js';

/**
 * What is wrong with an endpoint's books: credit below zero, or anything over its limit. For tests and simulation; a
 * sound endpoint has nothing to complain about, whatever its peers do.
 *
 * @param isCalm every message has settled and was released: then nothing may be left in the books
 */
export function audit(endpoint: Endpoint, isCalm: boolean): string[] {
  const { limits } = endpoint.receiver;
  const { peers } = endpoint;
  return [
    ...peers.flatMap((peer) =>
      complaintsOf(peer, limits, isCalm).map((what) => `${what}, peer ${peer.id ?? 'without a name'}`),
    ),
    ...aboutBudget(endpoint, isCalm),
    ...aboutLinks(endpoint, peers, isCalm),
    ...aboutPeers(endpoint, isCalm),
  ];
}

/**
 * In what the two sides of a session differ that is at rest: everything was acknowledged, so both have counted the
 * same. For tests and simulation.
 */
export function differences(sender: Endpoint, receiver: Endpoint): string[] {
  const out = linked(sender, receiver.settings.id)?.out;
  const incoming = linked(receiver, sender.settings.id)?.incoming;
  if (out === undefined || incoming?.granted !== true || out.epoch !== incoming.epoch) return [];
  const found: string[] = [];
  if (out.sent !== incoming.expected)
    found.push(`${out.sent} frames were sent, and ${incoming.expected} have come`);
  for (const ours of out.standing) {
    const theirs = incoming.streams.find(({ number }) => number === ours.stream)?.standing;
    if (theirs === undefined || sameStanding(ours, theirs)) continue;
    found.push(`its sender knows ${JSON.stringify(ours)}, its receiver ${JSON.stringify(theirs)}`);
  }
  return found;
}

/** The peer, if payloads can go there now. */
function linked(endpoint: Endpoint, id: NodeId): Peer | undefined {
  return endpoint.peers.find((peer) => peer.id === id && peer.payload.link !== undefined);
}

function sameStanding(a: StreamStanding, b: StreamStanding): boolean {
  return (['credit', 'used'] as const).every(
    (side) => a[side].messages === b[side].messages && a[side].bytes === b[side].bytes,
  );
}

function complaintsOf(
  { out, incoming, inbox, casts }: Peer,
  limits: TransportLimits,
  isCalm: boolean,
): string[] {
  const found: string[] = [];
  within(found, 'waiting')('casts', casts.length, limits.castQueue);
  aboutOutgoing(found, out, limits, isCalm);
  if (inbox !== undefined) aboutInbox(found, inbox, limits, isCalm);
  if (incoming !== undefined) aboutIncoming(found, incoming, limits, isCalm);
  return found;
}

function aboutOutgoing(
  found: string[],
  out: OutgoingSession,
  limits: TransportLimits,
  isCalm: boolean,
): void {
  const { messages, bytes, frames } = out.load;
  const outWithin = within(found, 'outgoing');
  outWithin('messages', messages, isCalm ? 0 : limits.sendQueueMessages);
  // One larger payload passes when nothing else waits.
  outWithin('bytes', bytes, isCalm ? 0 : messages === 1 ? Infinity : limits.sendQueueBytes);
  outWithin('unacknowledged frames', frames, isCalm ? 0 : MAX_UNACKED_FRAMES);
  if (out.leastCredit < 0) found.push(`more was sent than there was credit for, by ${-out.leastCredit}`);
}

function aboutInbox(found: string[], inbox: Inbox, limits: TransportLimits, isCalm: boolean): void {
  const inWithin = within(found, 'held');
  inWithin('replies', inbox.heldReplies, isCalm ? 0 : limits.heldReplies);
  inWithin('messages', inbox.held, isCalm ? 0 : Infinity);
}

function aboutIncoming(
  found: string[],
  incoming: IncomingSession,
  limits: TransportLimits,
  isCalm: boolean,
): void {
  if (incoming.leastCredit < 0)
    found.push(`more was taken than there was credit for, by ${-incoming.leastCredit}`);
  const streamWithin = within(found, 'unreleased');
  for (const { load } of incoming.streams) {
    const { messages, bytes } = load;
    streamWithin('messages of a stream', messages, isCalm ? 0 : limits.windowMessages);
    streamWithin('bytes of a stream', bytes, isCalm ? 0 : limits.windowBytes);
  }
}

function aboutBudget({ receiver: { budget } }: Endpoint, isCalm: boolean): string[] {
  const found: string[] = [];
  const { usedBytes, waiting } = budget;
  if (usedBytes < 0) found.push(`the reassembly budget stands at ${usedBytes} bytes`);
  if (!isCalm) return found;
  if (usedBytes !== 0) found.push(`${usedBytes} bytes of the reassembly budget are never given back`);
  if (waiting > 0) found.push(`${waiting} payloads wait for a permit for ever`);
  return found;
}

/** Every link that stands somewhere lives, and a pool holds the links of its lanes. */
function aboutLinks(
  { lanes, strangers, receiver: { limits } }: Endpoint,
  peers: readonly Peer[],
  isCalm: boolean,
): string[] {
  const found: string[] = [];
  const linkWithin = within(found, 'open');
  const { protocolPool, payloadPool } = lanes;
  linkWithin('protocol links', protocolPool.size, limits.protocolLinks);
  linkWithin('payload links', payloadPool.size, limits.payloadLinks);
  linkWithin('links without a handshake', strangers.size, limits.unauthenticatedConnections);
  for (const purpose of ['protocol', 'payload'] as const) {
    const pool = purpose === 'protocol' ? protocolPool : payloadPool;
    const established = peers.filter((peer) => peer.lane(purpose).link !== undefined).length;
    if (pool.size !== established)
      found.push(`${pool.size} ${purpose} links are in the pool, and ${established} in the lanes`);
  }
  const dead = peers.flatMap(linksOf).filter(({ state }) => state === 'ended').length;
  if (dead > 0) found.push(`${dead} links have ended and keep their lane`);
  const strange = [...strangers].map(({ state }) => state);
  if (strange.includes('established')) found.push('a link is established and counts as a stranger');
  // The end of a link is told a moment later, so one of each peer may stand here even then.
  const gone = strange.filter((state) => state === 'ended').length;
  if (isCalm && gone > peers.length) found.push(`${gone} links have ended and still count as strangers`);
  return found;
}

function aboutPeers({ peers, peerCount, receiver: { limits } }: Endpoint, isCalm: boolean): string[] {
  const found: string[] = [];
  const gone = peerCount - peers.length;
  if (isCalm && gone > 0) found.push(`messages are held of ${gone} peers that are gone`);
  const lost = peers.filter(({ incoming }) => incoming?.kept === true).length;
  within(found, 'kept')('sessions of lost peers', lost, limits.lostSessions);
  const blank = peers.filter((peer) => peer.blank).length;
  if (blank > 0) found.push(`${blank} peers are kept of whom nothing is to be kept`);
  return found;
}

function linksOf({ protocol, payload, verify }: Peer): PeerLink[] {
  const links = [protocol, payload].flatMap((lane) => [lane.link, lane.dialling, lane.arriving, lane.held]);
  return [...verify, ...links.filter((link) => link !== undefined)];
}

function within(found: string[], which: string): (what: string, count: number, most: number) => void {
  return (what, count, most) => {
    if (count < 0 || count > most) found.push(`${count} ${which} ${what}, where at most ${most} may be`);
  };
}

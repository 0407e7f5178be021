import { clip } from '../../errors.js';
import type { ProvenPeer } from '../transport.js';
import type { HelloFrame, RefuseFrame, WelcomeFrame } from './frame.js';
import { refusal } from './handshake.js';
import type { Peer } from './peer.js';
import type { PeerLink } from './peer-link.js';
import type { SessionWorld } from './world.js';

/** What a handshake says of the one who speaks. */
type Claim = HelloFrame | WelcomeFrame;

/**
 * Whether whoever speaks may speak as the node that it says it is. Where connections prove names, a name has to be proven,
 * and an id keeps the name that it was first seen with: here, and in the view of the node above. Elsewhere anything goes.
 */
export function objectionToName(
  link: PeerLink,
  claim: Claim,
  known: Peer | undefined,
  world: SessionWorld,
): RefuseFrame | undefined {
  const { credentials } = link.raw;
  if (credentials?.objectionTo === undefined) return undefined;
  const detail =
    credentials.objectionTo(claim.name) ??
    (known?.provenName === undefined || known.provenName === claim.name
      ? world.identify(proven(link, claim))
      : `the id ${claim.id} belongs to a node that is not called "${clip(claim.name)}"`);
  return detail === undefined ? undefined : refusal('identity', detail);
}

/** What a handshake has proven, once nothing speaks against it. */
export function proven(link: PeerLink, { id, address, name }: Claim): ProvenPeer {
  return link.raw.credentials?.objectionTo === undefined
    ? { id, address }
    : { id, address, provenName: name };
}

/** Whether a link rests on something that does not count any more. */
export function isStale(link: PeerLink): boolean {
  return link.hasConnection && link.raw.credentials?.isCurrent === false;
}

import { formatAddress, sameAddress, type Address } from '../../address.js';
import { clip, type HandshakeRefusal } from '../../errors.js';
import type { HelloFrame, RefuseFrame, WelcomeFrame } from './frame.js';
import type { EndpointSettings } from './world.js';

/**
 * What is wrong with a hello, checked in an order that tells most: two versions that cannot talk say so before
 * anything else is compared.
 */
export function objectionToHello(
  hello: HelloFrame,
  settings: EndpointSettings,
  advertised: Address | undefined,
): RefuseFrame | undefined {
  const { min, max } = settings.versions;
  if (hello.minVersion > max || hello.maxVersion < min) {
    return refusal(
      'version',
      `the dialled node speaks ${min}–${max}, the dialling one ${hello.minVersion}–${hello.maxVersion}`,
    );
  }
  if (hello.clusterName !== settings.clusterName) {
    return refusal(
      'cluster-name',
      `the dialled node belongs to "${clip(settings.clusterName)}", the dialling one to "${clip(hello.clusterName)}"`,
    );
  }
  if (hello.id === settings.id) {
    // A live process cannot be reached at our address: one that names it is ourselves.
    if (advertised === undefined || sameAddress(hello.address, advertised))
      return refusal('self', 'the dialled node is the dialling one');
    return refusal(
      'duplicate-id',
      `the dialled node, at ${formatAddress(advertised)}, has the id ${settings.id} too`,
    );
  }
  if (hello.purpose === 'payload' && hello.offer === undefined)
    return refusal('malformed', 'no session was offered');
  if (hello.purpose === 'payload' && forUs(hello, settings) && hello.serializer !== settings.serializer) {
    return refusal(
      'serializer',
      `the dialled node uses "${clip(settings.serializer)}", the dialling one "${clip(hello.serializer)}"`,
    );
  }
  return undefined;
}

/** Whether the dialler means this node, or whoever answers. */
export function forUs(hello: HelloFrame, settings: EndpointSettings): boolean {
  return hello.wanted === undefined || hello.wanted === settings.id;
}

/** The newest version that both sides speak; `objectionToHello` has found that there is one. */
export function agreedVersion(hello: HelloFrame, settings: EndpointSettings): number {
  return Math.min(hello.maxVersion, settings.versions.max);
}

/** Whether an answer names a version that we offered. */
export function speaksOurVersion(welcome: WelcomeFrame, settings: EndpointSettings): boolean {
  return welcome.version >= settings.versions.min && welcome.version <= settings.versions.max;
}

export function refusal(reason: HandshakeRefusal, detail: string): RefuseFrame {
  return { type: 'refuse', reason, detail: detail.slice(0, 200) };
}

/** Refusals that another try will not change: what waits for the peer is given up. */
export function isFinal(reason: HandshakeRefusal): boolean {
  return reason !== 'limit' && reason !== 'duplicate-id';
}

import type { MembershipEventType } from '../../membership/membership.js';
import { addHandler, type ClusterHandlerOptions } from '../handlers/handler-metadata.js';

function onMember(type: MembershipEventType, options: ClusterHandlerOptions): MethodDecorator {
  return addHandler({ kind: 'event', types: [type], cluster: options.cluster });
}

/**
 * Runs a method for each other member that joins, and for those that are there already when this node joins. It
 * gets `(member, event)`.
 *
 * @publicApi
 */
export function OnMemberJoined(options: ClusterHandlerOptions = {}): MethodDecorator {
  return onMember('joined', options);
}

/** Runs a method when a member changed what it tells of itself. It gets `(member, event)`. @publicApi */
export function OnMemberUpdated(options: ClusterHandlerOptions = {}): MethodDecorator {
  return onMember('updated', options);
}

/** Runs a method when a member is suspected to be gone; it still counts. It gets `(member, event)`. @publicApi */
export function OnMemberSuspected(options: ClusterHandlerOptions = {}): MethodDecorator {
  return onMember('suspected', options);
}

/** Runs a method when a suspected member turned out to live. It gets `(member, event)`. @publicApi */
export function OnMemberRecovered(options: ClusterHandlerOptions = {}): MethodDecorator {
  return onMember('recovered', options);
}

/** Runs a method when a member is gone without a good-bye. It gets `(member, event)`. @publicApi */
export function OnMemberUnreachable(options: ClusterHandlerOptions = {}): MethodDecorator {
  return onMember('unreachable', options);
}

/** Runs a method when a member said good-bye. It gets `(member, event)`. @publicApi */
export function OnMemberLeft(options: ClusterHandlerOptions = {}): MethodDecorator {
  return onMember('left', options);
}

/**
 * Runs a method for membership events of these types, or of all types. It gets `(member, event)`, as all do.
 *
 * ```ts
 * @OnMembershipEvent('unreachable', 'left')
 * gone(member: Member, event: MembershipEvent) {}
 * ```
 *
 * @param given types, and at the end options for a named cluster
 * @publicApi
 */
export function OnMembershipEvent(
  ...given: MembershipEventType[] | [...MembershipEventType[], ClusterHandlerOptions]
): MethodDecorator {
  const types: MembershipEventType[] = [];
  let cluster: string | undefined;
  for (const one of given) {
    if (typeof one === 'string') types.push(one);
    else cluster = one.cluster;
  }
  return addHandler({ kind: 'event', types: types.length === 0 ? undefined : types, cluster });
}

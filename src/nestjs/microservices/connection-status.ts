import { Subscription, type Subject } from 'rxjs';
import { MembershipService } from '../membership.service.js';

/** What `status` of a `ClusterServer` and a `ClusterClient` tells. @publicApi */
export type ClusterConnectionStatus = 'connecting' | 'connected' | 'draining' | 'disconnected';

/**
 * Tells a node's way: before the join `disconnected`, then `connecting`, `connected`, `draining`, and `disconnected` for good.
 *
 * @returns stops telling
 */
export function followStatus(
  membership: MembershipService,
  told: Pick<Subject<ClusterConnectionStatus>, 'next'>,
): () => void {
  let isWaiting = false;
  const tell = (): void => {
    const status = statusOf(membership);
    told.next(status);
    if (status !== 'connecting' || isWaiting) return;
    isWaiting = true;
    // Nothing changes in the view when a node finds out that it is alone. A node that leaves first tells that itself.
    void membership.whenReady().then(tell, () => undefined);
  };
  tell();
  const subscription = new Subscription();
  subscription.add(membership.events$.subscribe({ next: tell, complete: tell }));
  // Nothing happens to members when a node that stays alone begins to join.
  if (MembershipService.nodeOf(membership) !== undefined)
    subscription.add(MembershipService.joinOf(membership).subscribe(tell));
  return () => subscription.unsubscribe();
}

function statusOf(membership: MembershipService): ClusterConnectionStatus {
  switch (membership.status) {
    case 'joining':
      return 'connecting';
    case 'ready':
      return 'connected';
    case 'draining':
      return 'draining';
    default:
      return 'disconnected';
  }
}

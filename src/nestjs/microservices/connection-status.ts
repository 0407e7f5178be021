import type { Subject } from 'rxjs';
import type { MembershipService } from '../membership.service.js';

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
  const subscription = membership.events$.subscribe({ next: tell, complete: tell });
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

import type { Observable } from 'rxjs';
import type { ClusterMessage } from '../cluster/messaging/cluster-message.js';
import type { DataOf, Pattern } from '../cluster/messaging/contracts.js';
import { checkPattern } from '../cluster/messaging/envelope.js';
import type { Member, MembershipEvent } from '../membership/membership.js';
import { GuardedObservable } from './guarded-observable.js';
import type { NodeFace } from './node-face.js';

/** What happens to members, from the subscription on, until the node has left. */
export function eventsOf(node: NodeFace): Observable<MembershipEvent> {
  const name = 'A subscriber of events$';
  return new GuardedObservable(
    (subscriber) => {
      const removeEnd = node.onEnd(() => subscriber.complete());
      const removeListener = node.onEvent((event) => subscriber.next(event), { name });
      return () => {
        removeListener();
        removeEnd();
      };
    },
    (error) => node.reportFailure(name, error),
  );
}

/** The active members, now and after each change, until the node has left. */
export function membersOf(node: NodeFace): Observable<readonly Member[]> {
  const name = 'A subscriber of members$';
  return new GuardedObservable(
    (subscriber) => {
      let last = node.activeMembers;
      // Before the first view is told: what that causes is an event already.
      const removeListener = node.onEvent(
        ({ view }) => {
          if (sameMembers(last, view)) return;
          last = view;
          subscriber.next(view);
        },
        { name },
      );
      subscriber.next(last);
      const removeEnd = node.onEnd(() => subscriber.complete());
      return () => {
        removeListener();
        removeEnd();
      };
    },
    (error) => node.reportFailure(name, error),
  );
}

/** @throws InvalidOptionError for a bad pattern */
export function messagesOf<P extends Pattern | undefined>(
  node: NodeFace,
  pattern: P,
): Observable<ClusterMessage<DataOf<P>>> {
  if (pattern !== undefined) checkPattern(pattern);
  const name = `A subscriber of messages$(${pattern === undefined ? '' : `"${pattern}"`})`;
  return new GuardedObservable(
    (subscriber) => {
      const removeEnd = node.onEnd(() => subscriber.complete());
      const removeHandler = node.onMessage<P>(pattern, (_, message) => subscriber.next(message), { name });
      return () => {
        removeHandler();
        removeEnd();
      };
    },
    (error) => node.reportFailure(name, error),
  );
}

/** Members are immutable, so those of two views are the same objects or something has changed. */
function sameMembers(a: readonly Member[], b: readonly Member[]): boolean {
  return a.length === b.length && a.every((member, i) => member === b[i]);
}

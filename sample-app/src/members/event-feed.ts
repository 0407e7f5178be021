import { Injectable, type BeforeApplicationShutdown, type MessageEvent } from '@nestjs/common';
import { Member, MembershipEvent, OnMembershipEvent } from 'clusterpack';
import { interval, map, merge, Subject, takeUntil, type Observable } from 'rxjs';
import { eventJson } from './member-json.js';

const PING_INTERVAL_MS = 15_000;

/** Hands membership events to the open `GET /events` streams. */
@Injectable()
export class EventFeed implements BeforeApplicationShutdown {
  private readonly events = new Subject<MessageEvent>();
  private readonly ended = new Subject<void>();

  /** What happens from now on, as server-sent events, with a comment now and then that keeps the connection open. */
  open(): Observable<MessageEvent> {
    const pings = interval(PING_INTERVAL_MS).pipe(map(() => ({ comment: 'ping' })));
    return merge(this.events, pings).pipe(takeUntil(this.ended));
  }

  @OnMembershipEvent()
  publish(_member: Member, event: MembershipEvent): void {
    this.events.next({ type: event.type, data: eventJson(event) });
  }

  /** An open stream would keep the HTTP server from closing. */
  beforeApplicationShutdown(): void {
    this.ended.next();
  }
}

import { Injectable } from '@nestjs/common';
import { describe, expect, it } from '@jest/globals';
import { Member, MembershipEvent } from '../../src/membership/membership.js';
import {
  OnMemberJoined,
  OnMemberLeft,
  OnMemberRecovered,
  OnMemberSuspected,
  OnMembershipEvent,
  OnMemberUnreachable,
  OnMemberUpdated,
} from '../../src/nestjs/on-membership-event.decorator.js';
import { memberNamed } from './fake-node.js';
import { withProviders } from './start-app.js';

describe('a member handler', () => {
  it.each([
    ['joined', OnMemberJoined],
    ['updated', OnMemberUpdated],
    ['suspected', OnMemberSuspected],
    ['recovered', OnMemberRecovered],
    ['unreachable', OnMemberUnreachable],
    ['left', OnMemberLeft],
  ] as const)('for %s gets the member and the event, and nothing else does', async (type, decorator) => {
    const got: unknown[][] = [];
    @Injectable()
    class Watcher {
      @decorator()
      on(member: Member, event: MembershipEvent): void {
        got.push([member.name, event.type]);
      }
    }
    await withProviders([Watcher], async ({ node }) => {
      for (const each of ['joined', 'updated', 'suspected', 'recovered', 'unreachable', 'left'] as const)
        await node.happen(each);
      expect(got).toEqual([['peer', type]]);
    });
  });

  it('is not told that its own node joined', async () => {
    const got: string[] = [];
    @Injectable()
    class Watcher {
      @OnMemberJoined()
      joined(member: Member): void {
        got.push(member.name);
      }
    }
    await withProviders([Watcher], async ({ node }) => {
      await node.happen('joined', node.local);
      await node.happen('joined', memberNamed('other'));
      expect(got).toEqual(['other']);
    });
  });

  it('of @OnMembershipEvent gets member and event, of the types it names or of all', async () => {
    const all: string[] = [];
    const some: string[] = [];
    @Injectable()
    class Watcher {
      @OnMembershipEvent()
      every(_: Member, event: MembershipEvent): void {
        all.push(event.type);
      }
      @OnMembershipEvent('left', 'unreachable')
      gone(_: Member, event: MembershipEvent): void {
        some.push(event.type);
      }
    }
    await withProviders([Watcher], async ({ node }) => {
      for (const type of ['joined', 'unreachable', 'left'] as const) await node.happen(type);
      expect(all).toEqual(['joined', 'unreachable', 'left']);
      expect(some).toEqual(['unreachable', 'left']);
    });
  });
});

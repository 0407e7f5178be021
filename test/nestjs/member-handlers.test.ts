import { Injectable, Scope, UseGuards, type ExecutionContext } from '@nestjs/common';
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
} from '../../src/nestjs/decorators/on-membership-event.decorator.js';
import { ClusterPayload } from '../../src/nestjs/decorators/cluster-payload.decorator.js';
import { ClusterCtx } from '../../src/nestjs/decorators/cluster-ctx.decorator.js';
import { isClusterContext } from '../../src/nestjs/is-cluster-context.js';
import { Sender } from '../../src/nestjs/decorators/sender.decorator.js';
import { memberNamed } from './fake-node.js';
import { withProviders } from './start-app.js';

const decorators = [
  ['joined', OnMemberJoined],
  ['updated', OnMemberUpdated],
  ['suspected', OnMemberSuspected],
  ['recovered', OnMemberRecovered],
  ['unreachable', OnMemberUnreachable],
  ['left', OnMemberLeft],
] as const;

describe('a member handler', () => {
  it.each(decorators)(
    'for %s gets the member and the event, and nothing else does',
    async (type, decorator) => {
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
    },
  );

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

  const ways = [
    ...decorators.map(([type, decorator]) => [decorator.name, type, () => decorator()] as const),
    ['OnMembershipEvent of one type', 'left', () => OnMembershipEvent('left')],
    ['OnMembershipEvent of all', 'joined', () => OnMembershipEvent()],
  ] as const;
  const scopes = [Scope.DEFAULT, Scope.REQUEST];

  it.each(
    ways.flatMap(([name, type, make]) =>
      scopes.map((scope) => [name, Scope[scope], type, scope, make] as const),
    ),
  )(
    'of @%s (%s) shows the same member and event to guards and parameters',
    async (_name, _scope, type, scope, make) => {
      const seen: unknown[][] = [];
      const guard = {
        canActivate(context: ExecutionContext): boolean {
          const rpc = context.switchToRpc();
          seen.push([isClusterContext(context), rpc.getData(), rpc.getContext(), context.getArgs()]);
          return true;
        },
      };
      @Injectable({ scope })
      @UseGuards(guard)
      class Watcher {
        @make()
        plain(...given: unknown[]): void {
          seen.push(given);
        }
        @make()
        decorated(
          @ClusterPayload() data: Member,
          @ClusterCtx() { event, message, sender, pattern, headers }: ClusterCtx,
          @Sender() from: Member,
        ): void {
          seen.push([data, event, message, sender, pattern, headers, from]);
        }
      }
      await withProviders([Watcher], async ({ node }) => {
        await node.happen(type);
        const [toGuard, plain, , decorated] = seen;
        const event = plain![1] as MembershipEvent;
        expect(event).toBeInstanceOf(MembershipEvent);
        expect(event.type).toBe(type);
        expect(plain).toEqual([node.peer, event]);
        expect(toGuard).toEqual([true, node.peer, event, [node.peer, event]]);
        expect(decorated).toEqual([node.peer, event, undefined, node.peer, undefined, {}, node.peer]);
      });
    },
  );
});

import { Controller, Inject, Injectable, Module, Scope } from '@nestjs/common';
import { ContextIdFactory, REQUEST, type ContextId, type HostComponentInfo } from '@nestjs/core';
import { afterEach, describe, expect, it } from '@jest/globals';
import { ClusterMessage } from '../../src/cluster/messaging/cluster-message.js';
import { Member, MembershipEvent } from '../../src/membership/membership.js';
import { OnClusterMessage } from '../../src/nestjs/on-cluster-message.decorator.js';
import { OnClusterRequest } from '../../src/nestjs/on-cluster-request.decorator.js';
import { OnMemberJoined } from '../../src/nestjs/on-membership-event.decorator.js';
import { startApp, withProviders } from './start-app.js';

describe('a request-scoped handler', () => {
  it('gets an instance and a context per message; REQUEST is the message', async () => {
    const seen: { instance: unknown; request: unknown; message: unknown; helper: unknown }[] = [];
    @Injectable({ scope: Scope.REQUEST })
    class Helper {}
    @Injectable({ scope: Scope.REQUEST })
    class Scoped {
      constructor(
        @Inject(REQUEST) readonly request: unknown,
        readonly helper: Helper,
      ) {}
      @OnClusterMessage('x')
      x(_data: unknown, message: ClusterMessage): void {
        seen.push({ instance: this, request: this.request, message, helper: this.helper });
      }
    }
    await withProviders([Scoped, Helper], async ({ node }) => {
      await Promise.all([node.receive('x', 1), node.receive('x', 2)]);
      expect(seen).toHaveLength(2);
      for (const one of seen) expect(one.request).toBe(one.message);
      expect(seen[0]!.instance).not.toBe(seen[1]!.instance);
      expect(seen[0]!.helper).not.toBe(seen[1]!.helper);
      expect(seen[0]!.helper).toBeInstanceOf(Helper);
    });
  });

  it('may be a controller, answer requests, and listen to members', async () => {
    @Controller({ scope: Scope.REQUEST })
    class Scoped {
      constructor(@Inject(REQUEST) readonly request: ClusterMessage | MembershipEvent) {}
      @OnClusterRequest('who')
      who(): string {
        return (this.request as ClusterMessage).sender.name;
      }
      @OnMemberJoined()
      joined(member: Member): void {
        if ((this.request as MembershipEvent).member === member) joined.push(member.name);
      }
    }
    const joined: string[] = [];
    const { app, node } = await startApp({ controllers: [Scoped] });
    expect(await node.ask('who', null)).toBe('peer');
    await node.happen('joined');
    expect(joined).toEqual(['peer']);
    await app.close();
  });

  it('is the one of its own module when a class is provided twice', async () => {
    const got: string[] = [];
    @Injectable({ scope: Scope.REQUEST })
    class Scoped {
      constructor(@Inject('name') readonly name: string) {}
      @OnClusterMessage('x')
      x(): void {
        got.push(this.name);
      }
    }
    @Module({ providers: [Scoped, { provide: 'name', useValue: 'first' }] })
    class First {}
    @Module({ providers: [Scoped, { provide: 'name', useValue: 'second' }] })
    class Second {}
    const { app, node } = await startApp({ imports: [First, Second] });
    await node.receive('x', null);
    expect(got.sort()).toEqual(['first', 'second']);
    await app.close();
  });

  describe('that is durable', () => {
    afterEach(() => ContextIdFactory.apply(undefined as never));

    it("lives as long as the strategy's sub-tree", async () => {
      const tenants = new Map<string, ContextId>();
      ContextIdFactory.apply({
        attach(contextId: ContextId, request: unknown) {
          const tenant = (request as ClusterMessage).headers['tenant']!;
          if (!tenants.has(tenant)) tenants.set(tenant, { id: Math.random() });
          const subTree = tenants.get(tenant)!;
          return {
            resolve: (info: HostComponentInfo) => (info.isTreeDurable ? subTree : contextId),
            payload: { tenant },
          };
        },
      });
      const instances = new Map<unknown, unknown>();
      @Injectable({ scope: Scope.REQUEST, durable: true })
      class Durable {
        constructor(@Inject(REQUEST) readonly request: { tenant: string }) {}
        @OnClusterMessage('x')
        x(): void {
          instances.set(this, this.request.tenant);
        }
      }
      await withProviders([Durable], async ({ node }) => {
        await node.receive('x', null, { tenant: 'a' });
        await node.receive('x', null, { tenant: 'a' });
        await node.receive('x', null, { tenant: 'b' });
        expect([...instances.values()]).toEqual(['a', 'b']);
      });
    });
  });
});

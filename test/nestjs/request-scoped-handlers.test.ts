import {
  Catch,
  Controller,
  Inject,
  Injectable,
  Module,
  Scope,
  UseFilters,
  UseGuards,
  type ExecutionContext,
} from '@nestjs/common';
import { ContextIdFactory, ModuleRef, REQUEST, type ContextId, type HostComponentInfo } from '@nestjs/core';
import { afterEach, describe, expect, it } from '@jest/globals';
import { ClusterMessage } from '../../src/cluster/messaging/cluster-message.js';
import { Member, MembershipEvent } from '../../src/membership/membership.js';
import { OnClusterMessage } from '../../src/nestjs/decorators/on-cluster-message.decorator.js';
import { OnClusterRequest } from '../../src/nestjs/decorators/on-cluster-request.decorator.js';
import { OnMemberJoined } from '../../src/nestjs/decorators/on-membership-event.decorator.js';
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

  it('shares its context with guards and services, by ContextIdFactory.getByRequest(message), and with other handlers', async () => {
    const helpers = new Set<unknown>();
    @Injectable({ scope: Scope.REQUEST })
    class Helper {}
    @Injectable()
    class Guard {
      constructor(private readonly modules: ModuleRef) {}
      async canActivate(context: ExecutionContext): Promise<boolean> {
        const message = context.switchToRpc().getContext<ClusterMessage>();
        helpers.add(await this.modules.resolve(Helper, ContextIdFactory.getByRequest(message)));
        return true;
      }
    }
    class Scoped {
      constructor(@Inject(Helper) helper: Helper) {
        helpers.add(helper);
      }
      @OnClusterMessage('x')
      x(): void {}
    }
    @Injectable({ scope: Scope.REQUEST })
    @UseGuards(Guard)
    class One extends Scoped {}
    @Injectable()
    class BehindScoped extends Scoped {}
    await withProviders([Helper, Guard, One, BehindScoped], async ({ node }) => {
      await node.receive('x', 1);
      expect(helpers.size).toBe(1);
      await node.receive('x', 2);
      expect(helpers.size).toBe(2);
      expect(node.failures).toEqual([]);
    });
  });

  it('that cannot be made fails as any other does: filters see why', async () => {
    @Catch(RangeError)
    class Filter {
      catch(error: RangeError): string {
        return `filtered ${error.message}`;
      }
    }
    @Injectable({ scope: Scope.REQUEST })
    class Broken {
      constructor() {
        throw new RangeError('no tenant');
      }
      @UseFilters(Filter)
      @OnClusterRequest('filtered')
      filtered(): void {}
      @OnClusterRequest('unfiltered')
      unfiltered(): void {}
    }
    await withProviders([Broken], async ({ node, nest }) => {
      expect(await node.ask('filtered', null)).toBe('filtered no tenant');
      await expect(node.ask('unfiltered', null)).rejects.toThrow(new RangeError('no tenant'));
      expect(nest.at('error')).toEqual([]);
    });
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

    it('stands beside one that is not, each with its own REQUEST', async () => {
      ContextIdFactory.apply({
        attach: (contextId: ContextId) => ({
          resolve: (info: HostComponentInfo) => (info.isTreeDurable ? tree : contextId),
          payload: 'tenant',
        }),
      });
      const tree = { id: 1 };
      const requests: unknown[] = [];
      class Handler {
        constructor(@Inject(REQUEST) readonly request: unknown) {}
        @OnClusterMessage('x')
        x(_data: unknown, message: ClusterMessage): void {
          requests.push(this.request === message ? 'message' : this.request);
        }
      }
      @Injectable({ scope: Scope.REQUEST })
      class First extends Handler {}
      @Injectable({ scope: Scope.REQUEST, durable: true })
      class Durable extends Handler {}
      @Injectable({ scope: Scope.REQUEST })
      class Last extends Handler {}
      await withProviders([First, Durable, Last], async ({ node }) => {
        await node.receive('x', null);
        expect(requests).toEqual(['message', 'tenant', 'message']);
      });
    });
  });
});

import {
  Controller,
  Get,
  Injectable,
  UseGuards,
  createParamDecorator,
  mixin,
  type CanActivate,
  type Type,
} from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { describe, expect, it } from '@jest/globals';
import { ClusterMessage } from '../../src/cluster/messaging/cluster-message.js';
import { Member, MembershipEvent } from '../../src/membership/membership.js';
import { ClusterPayload } from '../../src/nestjs/decorators/cluster-payload.decorator.js';
import { OnClusterMessage } from '../../src/nestjs/decorators/on-cluster-message.decorator.js';
import { OnClusterRequest } from '../../src/nestjs/decorators/on-cluster-request.decorator.js';
import { OnMemberJoined, OnMemberLeft } from '../../src/nestjs/decorators/on-membership-event.decorator.js';
import { Sender } from '../../src/nestjs/decorators/sender.decorator.js';
import { startApp, withProviders } from './start-app.js';

const refuse: CanActivate = { canActivate: () => false };

describe('an inherited handler', () => {
  abstract class Answering {
    abstract readonly word: string;
    @OnClusterMessage('tell')
    tell(): void {
      told.push(this.word);
    }
  }
  const told: string[] = [];

  it('of an abstract class is one of each class that extends it', async () => {
    @Injectable()
    class One extends Answering {
      readonly word = 'one';
    }
    @Injectable()
    class Two extends Answering {
      readonly word = 'two';
    }
    await withProviders([One, Two], async ({ node, log }) => {
      await node.receive('tell', null);
      expect(told).toEqual(['one', 'two']);
      expect(log.at('log')).toEqual(['Mapped {tell, message} One.tell', 'Mapped {tell, message} Two.tell']);
    });
  });

  it('of requests is one too many in the second class that extends it, and the error names both', async () => {
    class Base {
      @OnClusterRequest('ask')
      ask(): void {}
    }
    @Injectable()
    class One extends Base {}
    @Injectable()
    class Two extends Base {}
    await expect(startApp({ providers: [One, Two] })).rejects.toThrow(
      'Both One.ask and Two.ask answer requests of "ask"; exactly one handler can',
    );
  });

  it('is behind the guards of the class that it is inherited from, and of its own method', async () => {
    @UseGuards(refuse)
    class GuardedClass {
      @OnClusterRequest('class')
      ask(): string {
        return 'passed';
      }
    }
    class GuardedMethod {
      @UseGuards(refuse)
      @OnClusterRequest('method')
      ask(): string {
        return 'passed';
      }
    }
    @Injectable()
    class OfClass extends GuardedClass {}
    @Injectable()
    class OfMethod extends GuardedMethod {}
    await withProviders([OfClass, OfMethod], async ({ node }) => {
      for (const pattern of ['class', 'method'])
        await expect(node.ask(pattern, null)).rejects.toMatchObject({ replyCode: 'FORBIDDEN' });
    });
  });

  it('comes from mixins, with the options of each', async () => {
    const replying = (pattern: string): Type<object> => {
      class Replying {
        @OnClusterRequest(pattern)
        reply(data: unknown): string {
          return `${pattern} ${String(data)}`;
        }
      }
      return mixin(Replying);
    };
    @Injectable()
    class Extended extends replying('b') {}
    await withProviders([replying('a'), Extended], async ({ node, log }) => {
      expect(await node.ask('a', 1)).toBe('a 1');
      expect(await node.ask('b', 2)).toBe('b 2');
      expect(log.at('log')).toContain('Mapped {b, request} Extended.reply');
    });
  });
});

describe('an overridden handler that is decorated again', () => {
  const Word = createParamDecorator(() => 'word');

  class Base {
    @OnClusterRequest('base plain')
    plain(data: unknown, message: unknown): unknown[] {
      return [data, message];
    }
    @OnClusterRequest('base decorated')
    decorated(@ClusterPayload() data: unknown, @Sender() sender: unknown): unknown[] {
      return [data, sender];
    }
    @UseGuards(refuse)
    @OnMemberJoined()
    joined(@Sender() member: unknown, _other?: unknown): void {
      got.push(member);
    }
  }
  const got: unknown[] = [];

  @Injectable()
  class Overriding extends Base {
    @OnClusterRequest('own plain')
    override plain(@Sender() sender: Member, @Word() word: string): unknown[] {
      return [sender, word];
    }
    @OnClusterRequest('own decorated')
    override decorated(data: unknown, message: ClusterMessage): unknown[] {
      return [data, message.pattern];
    }
    @OnMemberJoined()
    override joined(member: Member, event: MembershipEvent): void {
      got.push(member, event.type);
    }
  }

  it('has its own pattern, parameters and guards, and nothing of what it overrides', async () => {
    await withProviders([Overriding], async ({ node }) => {
      expect([...node.requestHandlers.keys()]).toEqual(['own plain', 'own decorated']);
      expect(await node.ask('own plain', 1)).toEqual([node.peer, 'word']);
      expect(await node.ask('own decorated', 2)).toEqual([2, 'own decorated']);
      await node.happen('joined');
      expect(got).toEqual([node.peer, 'joined']);
    });
  });
});

describe('decorators stacked on one method', () => {
  it('give it messages, requests and members, each with what belongs to it', async () => {
    const got: unknown[][] = [];
    @Injectable()
    class Stacked {
      @OnClusterRequest('x')
      @OnClusterMessage('x')
      @OnMemberLeft()
      any(subject: unknown, source: unknown): string {
        got.push([subject, source instanceof MembershipEvent, source instanceof ClusterMessage]);
        return 'answered';
      }
    }
    await withProviders([Stacked], async ({ node, log }) => {
      await node.receive('x', 1);
      expect(await node.ask('x', 2)).toBe('answered');
      await node.happen('left');
      expect(got).toEqual([
        [1, false, true],
        [2, false, true],
        [node.peer, true, false],
      ]);
      expect(log.at('log')).toHaveLength(3);
    });
  });

  it('leave alone what HTTP gives to the same method', async () => {
    @Controller()
    class Both {
      @Get('x')
      @OnClusterRequest('x')
      both(subject: unknown): unknown {
        return subject;
      }
    }
    expect(Reflect.getMetadata(ROUTE_ARGS_METADATA, Both, 'both')).toBeUndefined();
    const { app, node } = await startApp({ controllers: [Both] });
    expect(await node.ask('x', 'cluster')).toBe('cluster');
    await app.close();
  });

  /** As caches and transactions do: another function takes the method's place. */
  const Replacing =
    (): MethodDecorator => (_target: object, _key: string | symbol, descriptor: PropertyDescriptor) => {
      const original = descriptor.value as (...args: unknown[]) => unknown;
      descriptor.value = function (this: unknown, ...args: unknown[]): unknown {
        return `replaced ${String(original.apply(this, args))}`;
      } as never;
      return descriptor;
    };

  it('may stand above one that replaces the method', async () => {
    @Injectable()
    class Above {
      @OnClusterRequest('x')
      @Replacing()
      x(data: unknown): unknown {
        return data;
      }
    }
    await withProviders([Above], async ({ node }) => expect(await node.ask('x', 1)).toBe('replaced 1'));
  });

  it('stop the start below one that replaces the method: the handler would be lost in silence', async () => {
    @Injectable()
    class Below {
      @Replacing()
      @OnClusterRequest('x')
      x(): void {}
    }
    await expect(startApp({ providers: [Below] })).rejects.toThrow(
      'Below.x is decorated as a cluster handler, but a decorator above put another method in its place: write the cluster decorators above that one',
    );
  });
});

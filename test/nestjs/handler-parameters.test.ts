import {
  Body,
  Injectable,
  ParseIntPipe,
  Query,
  UsePipes,
  ValidationPipe,
  createParamDecorator,
  type ExecutionContext,
  type PipeTransform,
} from '@nestjs/common';
import { APP_PIPE } from '@nestjs/core';
import { IsString } from 'class-validator';
import { describe, expect, it } from '@jest/globals';
import { ClusterMessage } from '../../src/cluster/messaging/cluster-message.js';
import { Member } from '../../src/membership/membership.js';
import { ClusterCtx } from '../../src/nestjs/decorators/cluster-ctx.decorator.js';
import { ClusterPayload } from '../../src/nestjs/decorators/cluster-payload.decorator.js';
import { MembershipService } from '../../src/nestjs/membership.service.js';
import { OnClusterMessage } from '../../src/nestjs/decorators/on-cluster-message.decorator.js';
import { OnClusterRequest } from '../../src/nestjs/decorators/on-cluster-request.decorator.js';
import {
  OnMemberJoined,
  OnMembershipEvent,
} from '../../src/nestjs/decorators/on-membership-event.decorator.js';
import { Sender } from '../../src/nestjs/decorators/sender.decorator.js';
import { startApp } from './start-app.js';

describe('ValidationPipe', () => {
  class Hello {
    @IsString()
    from!: string;
  }

  class Handlers {
    @OnClusterRequest('plain')
    plain(data: Hello, message: ClusterMessage): boolean {
      return data instanceof Hello && message instanceof ClusterMessage;
    }
    @OnClusterRequest('decorated')
    decorated(@Sender() _from: Member, @ClusterPayload() data: Hello): boolean {
      return data instanceof Hello;
    }
    @OnMemberJoined()
    joined(member: Member): void {
      joined.push(member);
    }
  }
  const joined: unknown[] = [];
  @Injectable()
  @UsePipes(new ValidationPipe({ transform: true }))
  class WithPipe extends Handlers {}
  @Injectable()
  class Without extends Handlers {}
  const globalPipe = {
    provide: APP_PIPE,
    useValue: new ValidationPipe({ transform: true, whitelist: true }),
  };

  it.each([
    ['bound to the class', [WithPipe]],
    ['global', [Without, globalPipe]],
  ])('%s validates what peers send, with and without parameter decorators', async (_where, providers) => {
    const { app, node } = await startApp({ providers });
    for (const pattern of ['plain', 'decorated']) {
      expect(await node.ask(pattern, { from: 'a' })).toBe(true);
      await expect(node.ask(pattern, { from: 7 })).rejects.toMatchObject({
        replyCode: 'BAD_REQUEST',
        response: { statusCode: 400, message: ['from must be a string'] },
      });
    }
    await app.close();
  });

  it('leaves bytes as they are where bytes are declared, and refuses them where they are not', async () => {
    @Injectable()
    class Bytes {
      @OnClusterMessage()
      raw(data: Uint8Array): void {
        got.push(data);
      }
      @OnClusterRequest('bytes')
      bytes(data: Uint8Array): Uint8Array {
        return data;
      }
    }
    const got: unknown[] = [];
    const { app, node } = await startApp({ providers: [Bytes, Without, globalPipe] });
    const data = new Uint8Array([1, 2, 3]);
    await node.receive(undefined, data);
    expect(got).toEqual([data]);
    expect(await node.ask('bytes', data)).toBe(data);
    await expect(node.ask('plain', data)).rejects.toMatchObject({ replyCode: 'BAD_REQUEST' });
    await app.close();
  });

  it('leaves members alone', async () => {
    const { app, node } = await startApp({ providers: [Without, globalPipe] });
    await node.happen('joined');
    expect(joined).toEqual([node.peer]);
    await app.close();
  });
});

describe('parameter decorators', () => {
  const Tenant = createParamDecorator((prefix: string, context: ExecutionContext) => {
    const message = context.switchToRpc().getContext<ClusterMessage>();
    return `${prefix}${message.headers['tenant']}`;
  });

  it('give the data, a key of it, the sender, the context, and what users make', async () => {
    @Injectable()
    class Decorated {
      @OnClusterRequest('all')
      all(
        @ClusterCtx() context: ClusterCtx,
        @Tenant('t-') tenant: string,
        @Sender() sender: Member,
        @ClusterPayload('count', ParseIntPipe) count: number,
        @ClusterPayload('missing') missing: unknown,
        @ClusterPayload() data: object,
      ): unknown[] {
        const { cluster, event, headers, membership, message, pattern } = context;
        const same =
          message instanceof ClusterMessage && context.sender === sender && context instanceof ClusterCtx;
        return [
          same,
          cluster,
          event,
          pattern,
          headers,
          membership,
          tenant,
          sender.name,
          count,
          missing,
          data,
        ];
      }
    }
    const { app, node } = await startApp({ providers: [Decorated] });
    const data = { count: '7' };
    const membership = app.get(MembershipService);
    expect(await node.ask('all', data, { tenant: 'a' })).toEqual([
      true,
      undefined,
      undefined,
      'all',
      { tenant: 'a' },
      membership,
      't-a',
      'peer',
      7,
      undefined,
      data,
    ]);
    await expect(node.ask('all', { count: 'x' })).rejects.toMatchObject({ replyCode: 'BAD_REQUEST' });
    await app.close();
  });

  it('find no key in what is no object', async () => {
    @Injectable()
    class Decorated {
      @OnClusterRequest('key')
      key(@ClusterPayload('key') key: unknown): unknown {
        return key;
      }
    }
    const { app, node } = await startApp({ providers: [Decorated] });
    expect(await node.ask('key', null)).toBeUndefined();
    await app.close();
  });

  it('work in member handlers', async () => {
    const got: unknown[] = [];
    @Injectable()
    class Watcher {
      @OnMemberJoined()
      joined(@Sender() member: Member, @ClusterCtx() context: ClusterCtx): void {
        got.push(member.name, context.event?.type, context.message);
      }
      @OnMembershipEvent('left')
      left(@ClusterPayload() member: Member, @Sender() sender: Member): void {
        got.push(member.name, sender.name);
      }
    }
    const { app, node } = await startApp({ providers: [Watcher] });
    await node.happen('joined');
    await node.happen('left');
    expect(got).toEqual(['peer', 'joined', undefined, 'peer', 'peer']);
    await app.close();
  });

  it('of HTTP mean the payload where they mean the body, and stop the start where they mean nothing', async () => {
    @Injectable()
    class WithBody {
      @OnClusterRequest('x')
      x(@Body() body: unknown): unknown {
        return body;
      }
    }
    const { app, node } = await startApp({ providers: [WithBody] });
    expect(await node.ask('x', 7)).toBe(7);
    await app.close();
    @Injectable()
    class WithQuery {
      @OnClusterRequest('x')
      x(@Query() query: unknown): unknown {
        return query;
      }
    }
    await expect(startApp({ providers: [WithQuery] })).rejects.toThrow(
      'WithQuery.x: the decorator of parameter 1 has no meaning for a cluster message',
    );
  });

  it('take pipes as classes and instances, and schemas', async () => {
    @Injectable()
    class Doubling implements PipeTransform {
      transform(value: number): number {
        return value * 2;
      }
    }
    const even = {
      '~standard': {
        validate: (value: unknown) =>
          (value as number) % 2 === 0
            ? { value: `even ${String(value)}` }
            : { issues: [{ message: 'must be even' }] },
      },
    };
    @Injectable()
    class Piped {
      @OnClusterRequest('class')
      byClass(@ClusterPayload('n', Doubling) n: number): number {
        return n;
      }
      @OnClusterRequest('options')
      byOptions(@ClusterPayload({ pipes: [new Doubling()] }) n: number): number {
        return n;
      }
      @OnClusterRequest('schema')
      bySchema(@ClusterPayload('n', even) n: unknown): unknown {
        return n;
      }
    }
    const { app, node } = await startApp({ providers: [Piped] });
    expect(await node.ask('class', { n: 3 })).toBe(6);
    expect(await node.ask('options', 3)).toBe(6);
    expect(await node.ask('schema', { n: 4 })).toBe('even 4');
    await expect(node.ask('schema', { n: 3 })).rejects.toMatchObject({
      response: { message: ['must be even'] },
    });
    await app.close();
  });
});

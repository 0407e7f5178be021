import {
  Body,
  DefaultValuePipe,
  Injectable,
  ParseIntPipe,
  StandardSchemaValidationPipe,
  UsePipes,
  ValidationPipe,
  createParamDecorator,
  type ArgumentMetadata,
  type ExecutionContext,
} from '@nestjs/common';
import { APP_PIPE } from '@nestjs/core';
import { IsString } from 'class-validator';
import * as v from 'valibot';
import { describe, expect, it } from '@jest/globals';
import { InvalidHandlerError } from '../../src/errors.js';
import { ClusterPayload, type SchemaLike } from '../../src/nestjs/decorators/cluster-payload.decorator.js';
import { OnClusterRequest } from '../../src/nestjs/decorators/on-cluster-request.decorator.js';
import { startApp, withProviders } from './start-app.js';

/** Not idempotent: whoever runs it twice refuses what it has made. */
const order = v.object({
  sku: v.pipe(v.string(), v.toUpperCase(), v.length(3)),
  count: v.pipe(v.string(), v.toNumber()),
});
const given = { sku: 'abc', count: '7' };
const made = { sku: 'ABC', count: 7 };

describe('@ClusterPayload({ schema })', () => {
  class Orders {
    @OnClusterRequest('order')
    order(@ClusterPayload({ schema: order }) data: unknown): unknown {
      return data;
    }
  }
  @Injectable()
  class Plain extends Orders {}
  @Injectable()
  @UsePipes(new StandardSchemaValidationPipe())
  class OnClass extends Orders {}
  @Injectable()
  class OnMethod {
    @UsePipes(StandardSchemaValidationPipe)
    @OnClusterRequest('order')
    order(@ClusterPayload({ schema: order }) data: unknown): unknown {
      return data;
    }
  }
  @Injectable()
  class OnParameter {
    @OnClusterRequest('order')
    order(@ClusterPayload({ schema: order, pipes: [StandardSchemaValidationPipe] }) data: unknown): unknown {
      return data;
    }
  }

  it.each([
    ['without any pipe', [Plain]],
    [
      'with a global StandardSchemaValidationPipe',
      [Plain, { provide: APP_PIPE, useClass: StandardSchemaValidationPipe }],
    ],
    ['with one on the class', [OnClass]],
    ['with one on the method', [OnMethod]],
    ['with one on the parameter', [OnParameter]],
  ])('is checked, and transformed once, %s', async (_how, providers) => {
    const { app, node } = await startApp({ providers });
    expect(await node.ask('order', given)).toEqual(made);
    await expect(node.ask('order', { sku: 'abc', count: 7 })).rejects.toMatchObject({
      replyCode: 'BAD_REQUEST',
      response: { statusCode: 400, message: [expect.stringMatching(/^count: /)] },
    });
    await app.close();
  });

  it("leaves the pipe's options their say", async () => {
    const pipe = { provide: APP_PIPE, useValue: new StandardSchemaValidationPipe({ transform: false }) };
    const { app, node } = await startApp({ providers: [Plain, pipe] });
    expect(await node.ask('order', given)).toEqual(given);
    await app.close();
  });
});

describe("a schema in a pipe's place", () => {
  it('may be a function, and asynchronous', async () => {
    const callable = Object.assign(() => undefined, {
      '~standard': { validate: async (value: unknown) => ({ value: [value] }) },
    });
    @Injectable()
    class Handlers {
      @OnClusterRequest('x')
      x(@ClusterPayload(callable as SchemaLike) data: unknown): unknown {
        return data;
      }
    }
    await withProviders([Handlers], async ({ node }) => expect(await node.ask('x', 1)).toEqual([1]));
  });

  it('tells a hundred issues at most, each after its path, and how many there are more', async () => {
    @Injectable()
    class Handlers {
      @OnClusterRequest('x')
      x(@ClusterPayload(v.array(v.object({ n: v.number('must be a number') }))) data: unknown): unknown {
        return data;
      }
    }
    await withProviders([Handlers], async ({ node }) => {
      const failed: unknown = await node
        .ask(
          'x',
          Array.from({ length: 130 }, () => ({})),
        )
        .catch((error: unknown) => error);
      const { message } = (failed as { response: { message: string[] } }).response;
      expect(message).toHaveLength(101);
      expect(message[1]).toMatch(/^1\.n: /);
      expect(message.at(-1)).toBe('… and 30 more');
    });
  });

  it('that is undefined is refused where it is written', () => {
    expect(() => ClusterPayload('sku', undefined as never)).toThrow(InvalidHandlerError);
    expect(() => ClusterPayload(undefined as never)).toThrow(
      '@ClusterPayload: argument 1 is undefined, but must be a pipe, a schema or { schema, pipes }',
    );
  });
});

describe("Nest's pipes", () => {
  class Hello {
    @IsString()
    from!: string;
  }
  const seen: ArgumentMetadata[] = [];
  const watching = {
    transform(value: unknown, metadata: ArgumentMetadata): unknown {
      seen.push(metadata);
      return value;
    },
  };
  const Tenant = createParamDecorator((_data: unknown, context: ExecutionContext) => {
    return context.switchToRpc().getData<{ tenant?: string }>().tenant;
  });

  @Injectable()
  class Handlers {
    @OnClusterRequest('default')
    byDefault(@ClusterPayload('page', new DefaultValuePipe('1'), ParseIntPipe) page: number): number {
      return page;
    }
    @OnClusterRequest('custom')
    custom(
      @Tenant(new DefaultValuePipe('none')) tenant: string,
      @Tenant('x', ParseIntPipe) n: number,
    ): unknown[] {
      return [tenant, n];
    }
    @UsePipes(new ValidationPipe({ transform: true, whitelist: true }))
    @OnClusterRequest('hello')
    hello(data: Hello): unknown[] {
      return [data instanceof Hello, Object.entries(data)];
    }
    @UsePipes(watching)
    @OnClusterRequest('watched')
    watched(data: Hello): Hello {
      return data;
    }
    @OnClusterRequest('watched key')
    watchedKey(@ClusterPayload('from', watching) from: string, @Body() body: Hello): unknown[] {
      return [from, body];
    }
  }

  it('fill in defaults, parse keys, and follow decorators that users make', () =>
    withProviders([Handlers], async ({ node }) => {
      expect(await node.ask('default', {})).toBe(1);
      expect(await node.ask('default', { page: '3' })).toBe(3);
      await expect(node.ask('default', { page: 'x' })).rejects.toMatchObject({ replyCode: 'BAD_REQUEST' });
      expect(await node.ask('custom', { tenant: '5' })).toEqual(['5', 5]);
    }));

  it('of a method make instances of its class, without what is not declared', () =>
    withProviders([Handlers], async ({ node }) => {
      expect(await node.ask('hello', { from: 'a', more: 1 })).toEqual([true, [['from', 'a']]]);
      await expect(node.ask('hello', { from: 1 })).rejects.toMatchObject({ replyCode: 'BAD_REQUEST' });
    }));

  it('see a payload as a body, with its class and its key', () =>
    withProviders([Handlers], async ({ node }) => {
      await node.ask('watched', { from: 'a' });
      await node.ask('watched key', { from: 'a' });
      expect(seen.map(({ type, metatype, data }) => [type, metatype, data])).toEqual([
        ['body', Hello, undefined],
        ['body', String, 'from'],
      ]);
    }));
});

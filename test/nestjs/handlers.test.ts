import { Controller, Injectable, Module } from '@nestjs/common';
import { describe, expect, it } from '@jest/globals';
import { ClusterMessage } from '../../src/cluster/messaging/cluster-message.js';
import { OnClusterMessage } from '../../src/nestjs/decorators/on-cluster-message.decorator.js';
import { OnClusterRequest } from '../../src/nestjs/decorators/on-cluster-request.decorator.js';
import {
  OnMemberLeft,
  OnMembershipEvent,
} from '../../src/nestjs/decorators/on-membership-event.decorator.js';
import { startApp, withProviders } from './start-app.js';

describe('@OnClusterMessage', () => {
  it('runs a method of a provider with the data and the message', async () => {
    const got: unknown[][] = [];
    @Injectable()
    class Greeter {
      @OnClusterMessage('hello')
      hello(data: unknown, message: ClusterMessage): void {
        got.push([this instanceof Greeter, data, message.sender.name, message.pattern, message.headers]);
      }
    }
    await withProviders([Greeter], async ({ node }) => {
      await node.receive('hello', { from: 'a' }, { tenant: 't' });
      expect(got).toEqual([[true, { from: 'a' }, 'peer', 'hello', { tenant: 't' }]]);
    });
  });

  it('without a pattern gets the raw bytes', async () => {
    const got: unknown[] = [];
    @Injectable()
    class Raw {
      @OnClusterMessage()
      bytes(data: Uint8Array): void {
        got.push(data);
      }
    }
    await withProviders([Raw], async ({ node }) => {
      await node.receive(undefined, new Uint8Array([1]));
      expect(got).toEqual([new Uint8Array([1])]);
    });
  });

  it('runs every handler of a pattern', async () => {
    const got: string[] = [];
    @Injectable()
    class A {
      @OnClusterMessage('x')
      one(): void {
        got.push('A.one');
      }
      @OnClusterMessage('x')
      two(): void {
        got.push('A.two');
      }
    }
    @Injectable()
    class B {
      @OnClusterMessage('x')
      one(): void {
        got.push('B.one');
      }
    }
    await withProviders([A, B], async ({ node }) => {
      await node.receive('x', null);
      expect(got).toEqual(['A.one', 'A.two', 'B.one']);
    });
  });

  it('says how many calls may run at once, and in which order', async () => {
    @Injectable()
    class Slow {
      @OnClusterMessage('x', { concurrency: 2 })
      x(): void {}
      @OnClusterMessage({ order: 'per-sender' })
      raw(): void {}
      @OnClusterRequest('y', { concurrency: 3, order: 'per-sender' })
      y(): void {}
    }
    await withProviders([Slow], async ({ node }) => {
      const optionsOf = (pattern: string | undefined) => node.messageHandlers.get(pattern)![0]!.options;
      expect(optionsOf('x')).toEqual({ name: 'Slow.x', concurrency: 2 });
      expect(optionsOf(undefined)).toEqual({ name: 'Slow.raw', order: 'per-sender' });
      expect(node.requestHandlers.get('y')!.options).toEqual({
        name: 'Slow.y',
        concurrency: 3,
        order: 'per-sender',
      });
    });
  });

  it('is logged once per handler', async () => {
    @Injectable()
    class A {
      @OnClusterMessage('x')
      x(): void {}
      @OnClusterMessage()
      raw(): void {}
      @OnClusterRequest('y')
      y(): void {}
      @OnMembershipEvent('left', 'unreachable')
      gone(): void {}
    }
    await withProviders([A], async ({ log }) => {
      expect(log.at('log')).toEqual([
        'Mapped {x, message} A.x',
        'Mapped {raw bytes, message} A.raw',
        'Mapped {y, request} A.y',
        'Mapped {left|unreachable, membership} A.gone',
      ]);
    });
  });
});

describe('a handler is found', () => {
  it('on a controller', async () => {
    @Controller()
    class Prices {
      @OnClusterRequest('price')
      price(): number {
        return 7;
      }
    }
    const { app, node } = await startApp({ controllers: [Prices] });
    expect(await node.ask('price', {})).toBe(7);
    await app.close();
  });

  it('when it is inherited, and not when it was overridden without a decorator', async () => {
    const got: string[] = [];
    class Parent {
      @OnClusterMessage('inherited')
      inherited(): void {
        got.push(this.constructor.name);
      }
      @OnClusterMessage('overridden')
      overridden(): void {
        got.push('never');
      }
    }
    @Injectable()
    class Child extends Parent {
      override overridden(): void {
        got.push('not a handler');
      }
    }
    await withProviders([Child], async ({ node }) => {
      await node.receive('inherited', null);
      await node.receive('overridden', null);
      expect(got).toEqual(['Child']);
    });
  });

  it('under each of the decorators that are stacked on it', async () => {
    const got: unknown[] = [];
    @Injectable()
    class Stacked {
      @OnClusterMessage('a')
      @OnClusterMessage('b')
      @OnMemberLeft()
      any(subject: unknown): void {
        got.push(subject);
      }
    }
    await withProviders([Stacked], async ({ node }) => {
      await node.receive('a', 1);
      await node.receive('b', 2);
      await node.happen('left');
      expect(got).toEqual([1, 2, node.peer]);
    });
  });

  it('once per instance: neither aliases nor factories that hand it on add one', async () => {
    let calls = 0;
    @Injectable()
    class Once {
      @OnClusterMessage('x')
      x(): void {
        calls++;
      }
    }
    const { app, node } = await startApp({
      providers: [
        { provide: 'factory', useFactory: (once: Once) => once, inject: [Once] },
        Once,
        { provide: 'alias', useExisting: Once },
      ],
    });
    await node.receive('x', null);
    expect(calls).toBe(1);
    await app.close();
  });

  it('twice when a class is provided twice, since it has two instances', async () => {
    const instances = new Set<unknown>();
    @Injectable()
    class Twice {
      @OnClusterMessage('x')
      x(): void {
        instances.add(this);
      }
    }
    @Module({ providers: [Twice] })
    class First {}
    @Module({ providers: [Twice] })
    class Second {}
    const { app, node } = await startApp({ imports: [First, Second] });
    await node.receive('x', null);
    expect(instances.size).toBe(2);
    await app.close();
  });

  it('on values and on what factories make', async () => {
    const got: string[] = [];
    class Plain {
      constructor(readonly name: string) {}
      @OnClusterMessage('x')
      x(): void {
        got.push(this.name);
      }
    }
    const { app, node } = await startApp({
      providers: [
        { provide: 'value', useValue: new Plain('value') },
        { provide: 'factory', useFactory: async () => new Plain('factory') },
        { provide: 'null', useValue: null },
        { provide: 'bare', useValue: Object.create(null) },
      ],
    });
    await node.receive('x', null);
    expect(got.sort()).toEqual(['factory', 'value']);
    await app.close();
  });
});

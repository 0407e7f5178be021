import {
  Global,
  Inject,
  Injectable,
  Module,
  Scope,
  UseGuards,
  forwardRef,
  type CanActivate,
  type DynamicModule,
  type ExecutionContext,
} from '@nestjs/common';
import { LazyModuleLoader, REQUEST } from '@nestjs/core';
import { describe, expect, it } from '@jest/globals';
import { ClusterMessage } from '../../src/cluster/messaging/cluster-message.js';
import { MembershipService } from '../../src/nestjs/membership.service.js';
import { OnClusterMessage } from '../../src/nestjs/decorators/on-cluster-message.decorator.js';
import { OnClusterRequest } from '../../src/nestjs/decorators/on-cluster-request.decorator.js';
import { startApp } from './start-app.js';

const handlersSeen: string[] = [];
const guard: CanActivate = {
  canActivate(context: ExecutionContext): boolean {
    handlersSeen.push(`${context.getClass().name}.${context.getHandler().name}`);
    return true;
  },
};

describe("an instance's own method", () => {
  class Prices {
    private readonly price = 7;
    @OnClusterRequest('plain')
    plain(): number {
      return this.price;
    }
    @UseGuards(guard)
    @OnClusterRequest('guarded')
    guarded(): number {
      return this.price;
    }
  }

  it('of a Proxy is called, behind the guards of the method that it wraps', async () => {
    const calls: string[] = [];
    const wrapped = new Proxy(new Prices(), {
      get(target, key, receiver) {
        const value: unknown = Reflect.get(target, key, receiver);
        if (typeof value !== 'function' || key === 'constructor') return value;
        return (...args: unknown[]) => {
          calls.push(String(key));
          return Reflect.apply(value, target, args) as unknown;
        };
      },
    });
    handlersSeen.length = 0;
    const { app, node } = await startApp({ providers: [{ provide: Prices, useFactory: () => wrapped }] });
    expect(await node.ask('plain', null)).toBe(7);
    expect(await node.ask('guarded', null)).toBe(7);
    expect(calls).toEqual(expect.arrayContaining(['plain', 'guarded']));
    expect(handlersSeen).toEqual(['Prices.guarded']);
    await app.close();
  });

  it('that the constructor made is called', async () => {
    @Injectable()
    class Bound extends Prices {
      constructor() {
        super();
        this.plain = () => 8;
      }
    }
    const { app, node } = await startApp({ providers: [Bound] });
    expect(await node.ask('plain', null)).toBe(8);
    await app.close();
  });
});

describe('a getter', () => {
  it('is not read while handlers are looked for', async () => {
    @Injectable()
    class WithGetter {
      get broken(): never {
        throw new RangeError('read');
      }
      @OnClusterMessage('x')
      x(): void {}
    }
    const { app, node } = await startApp({ providers: [WithGetter] });
    expect(node.messageHandlers.has('x')).toBe(true);
    await app.close();
  });
});

describe('a request-scoped factory', () => {
  class Greeter {
    constructor(readonly message: ClusterMessage) {}
    @OnClusterRequest('x')
    x(): string {
      return `hello ${this.message.sender.name}`;
    }
  }
  const factory = (make: (message: ClusterMessage) => unknown): object => ({
    provide: Greeter,
    scope: Scope.REQUEST,
    useFactory: make,
    inject: [REQUEST],
  });

  it('whose token is the class makes an instance a message', async () => {
    const { app, node } = await startApp({
      providers: [factory((message) => new Greeter(message)) as never],
    });
    expect(await node.ask('x', null)).toBe('hello peer');
    await app.close();
  });

  it('that makes something else fails the call', async () => {
    const { app, node } = await startApp({ providers: [factory(() => ({})) as never] });
    await expect(node.ask('x', null)).rejects.toThrow('Greeter.x is no method of the instance');
    await app.close();
  });
});

describe('a class that two modules provide', () => {
  @Injectable()
  class Prices {
    @OnClusterRequest('price')
    price(): void {}
  }
  @Module({ providers: [Prices] })
  class First {}
  @Module({ providers: [Prices] })
  class Second {}

  it('answers its requests twice, which stops the start and names the modules', async () => {
    await expect(startApp({ imports: [First, Second] })).rejects.toThrow(
      'Both Prices.price (in First) and Prices.price (in Second) answer requests of "price"',
    );
  });
});

describe('a handler is found', () => {
  @Injectable()
  class Named {
    constructor(@Inject('name') readonly name: string) {}
    @OnClusterMessage('x')
    x(): void {
      heard.push(this.name);
    }
  }
  const heard: string[] = [];

  @Module({})
  class Feature {
    static register(name: string, global = false): DynamicModule {
      return { module: Feature, global, providers: [Named, { provide: 'name', useValue: name }] };
    }
  }

  it('in dynamic modules, once for each, and in global ones', async () => {
    heard.length = 0;
    @Global()
    @Module({ providers: [Named, { provide: 'name', useValue: 'by decorator' }] })
    class GlobalModule {}
    const { app, node } = await startApp({
      imports: [
        Feature.register('one'),
        Feature.register('two'),
        Feature.register('global', true),
        GlobalModule,
      ],
    });
    await node.receive('x', null);
    expect(heard.toSorted()).toEqual(['by decorator', 'global', 'one', 'two']);
    await app.close();
  });

  it('on providers and in modules that refer to each other', async () => {
    @Injectable()
    class Chicken {
      constructor(@Inject(forwardRef(() => Egg)) readonly egg: { name: string }) {}
      @OnClusterRequest('chicken')
      ask(): string {
        return this.egg.name;
      }
    }
    @Injectable()
    class Egg {
      readonly name = 'egg';
      constructor(@Inject(forwardRef(() => Chicken)) readonly chicken: object) {}
      @OnClusterRequest('egg')
      ask(): boolean {
        return this.chicken instanceof Chicken;
      }
    }
    @Module({ imports: [forwardRef(() => Other)], providers: [Chicken, Egg] })
    class Farm {}
    @Module({ imports: [forwardRef(() => Farm)] })
    class Other {}
    const { app, node } = await startApp({ imports: [Farm, Other] });
    expect(await node.ask('chicken', null)).toBe('egg');
    expect(await node.ask('egg', null)).toBe(true);
    await app.close();
  });

  it('not in a module that is loaded later; there the service takes it', async () => {
    heard.length = 0;
    const { app, node } = await startApp({});
    const lazy = await app.get(LazyModuleLoader).load(() => Feature.register('late'));
    await node.receive('x', null);
    expect(heard).toEqual([]);
    const late = lazy.get(Named);
    app.get(MembershipService).onMessage('x', () => late.x());
    await node.receive('x', null);
    expect(heard).toEqual(['late']);
    await app.close();
  });
});

import { Injectable, Scope, createParamDecorator, type Type } from '@nestjs/common';
import { describe, expect, it } from '@jest/globals';
import { ClusterMessage } from '../../src/cluster/messaging/cluster-message.js';
import { InvalidHandlerError } from '../../src/errors.js';
import { Member } from '../../src/membership/membership.js';
import { ClusterPayload } from '../../src/nestjs/decorators/cluster-payload.decorator.js';
import { OnClusterMessage } from '../../src/nestjs/decorators/on-cluster-message.decorator.js';
import { OnClusterRequest } from '../../src/nestjs/decorators/on-cluster-request.decorator.js';
import {
  OnMemberJoined,
  OnMembershipEvent,
} from '../../src/nestjs/decorators/on-membership-event.decorator.js';
import { startApp, withProviders } from './start-app.js';

describe('the start is stopped', () => {
  const Anything = createParamDecorator(() => 'anything');

  @Injectable({ scope: Scope.TRANSIENT })
  class Transient {
    @OnClusterMessage('x')
    x(): void {}
  }
  @Injectable()
  class Duplicate {
    @OnClusterRequest('price')
    one(): void {}
    @OnClusterRequest('price')
    two(): void {}
  }
  @Injectable()
  class HalfDecorated {
    @OnClusterMessage('x')
    x(@ClusterPayload() _data: unknown, _message: ClusterMessage): void {}
  }
  @Injectable()
  class HalfDecoratedByUser {
    @OnMemberJoined()
    x(_member: Member, @Anything() _any: string): void {}
  }
  @Injectable()
  class Star {
    @OnClusterMessage('orders.*')
    x(): void {}
  }
  @Injectable()
  class Greater {
    @OnClusterRequest('orders.>')
    x(): void {}
  }
  @Injectable()
  class Empty {
    @OnClusterRequest('')
    x(): void {}
  }
  @Injectable()
  class Unknown {
    @OnMembershipEvent('exploded' as never)
    x(): void {}
  }
  @Injectable()
  class NoConcurrency {
    @OnClusterMessage('x', { concurrency: 0 })
    x(): void {}
  }
  @Injectable()
  class HalfConcurrency {
    @OnClusterRequest('x', { concurrency: 0.5 })
    x(): void {}
  }
  @Injectable()
  class OddOrder {
    @OnClusterRequest('x', { order: 'per-pattern' as 'per-sender' })
    x(): void {}
  }

  it.each([
    [Transient, 'Transient.x is a cluster handler of a transient provider'],
    [Duplicate, 'Both Duplicate.one and Duplicate.two answer requests of "price"; exactly one handler can'],
    [HalfDecorated, 'HalfDecorated.x: parameter 2 has no decorator, but others have'],
    [HalfDecoratedByUser, 'HalfDecoratedByUser.x: parameter 1 has no decorator, but others have'],
    [Star, 'Star.x: Option "pattern" must not contain * or > (reserved), but is "orders.*"'],
    [Greater, 'Greater.x: Option "pattern" must not contain * or > (reserved)'],
    [Empty, 'Empty.x: Option "pattern" must be a non-empty string'],
    [Unknown, 'Unknown.x handles "exploded", which is no membership event'],
    [NoConcurrency, 'NoConcurrency.x: concurrency is 0'],
    [HalfConcurrency, 'HalfConcurrency.x: concurrency is 0.5, but must be an integer from 1 on'],
    [OddOrder, `OddOrder.x: order is "per-pattern", but must be 'per-sender' or left out`],
  ])('by %p', async (provider, message) => {
    const failed = startApp({ providers: [provider as Type] });
    await expect(failed).rejects.toThrow(InvalidHandlerError);
    await expect(failed).rejects.toThrow(message);
  });

  it('by one request pattern in two classes, but not by a message and a request of one pattern', async () => {
    @Injectable()
    class A {
      @OnClusterRequest('x')
      request(): void {}
      @OnClusterMessage('x')
      message(): void {}
    }
    @Injectable()
    class B {
      @OnClusterRequest('x')
      request(): void {}
    }
    await withProviders([A], async () => undefined);
    await expect(startApp({ providers: [A, B] })).rejects.toThrow(
      'Both A.request and B.request answer requests of "x"',
    );
  });

  it('already at the declaration, when what is decorated is no method', () => {
    const decorate = OnClusterMessage('x') as (
      target: object,
      key: string,
      descriptor?: PropertyDescriptor,
    ) => void;
    class Holder {}
    expect(() => decorate(Holder.prototype, 'property')).toThrow(
      'Holder.property cannot be a cluster handler',
    );
    expect(() => decorate(Holder, 'static', { value: () => undefined })).toThrow('Holder.static cannot be');
    expect(() => decorate(Holder.prototype, 'accessor', { get: () => undefined })).toThrow(
      'accessor cannot be',
    );
    expect(() => decorate(Holder.prototype, Symbol('hidden') as never, { value: () => undefined })).toThrow(
      'Holder.Symbol(hidden) cannot be a cluster handler',
    );
  });
});

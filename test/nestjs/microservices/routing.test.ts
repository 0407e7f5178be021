import { Controller, Injectable } from '@nestjs/common';
import { EventPattern, MessagePattern, RpcException } from '@nestjs/microservices';
import { afterEach, describe, expect, it } from '@jest/globals';
import { firstValueFrom, lastValueFrom, toArray } from 'rxjs';
import {
  BroadcastFailedError,
  ClosedError,
  ClusterException,
  ClusterMessage,
  InvalidHandlerError,
  InvalidOptionError,
  MembershipService,
  NoHandlerError,
  NotDeliveredError,
  OnClusterMessage,
  OnClusterRequest,
  RemoteError,
  UnknownMemberError,
  type BroadcastOutcome,
} from '../../../src/index.js';
import {
  ClusterClient,
  ClusterRecordBuilder,
  ClusterServer,
  type ClusterConnectionStatus,
} from '../../../src/microservices.js';
import { until } from '../../support/until.js';
import { Hybrids, clientOf } from './hybrid.js';

const hybrids = new Hybrids();
afterEach(() => hybrids.close());

@Controller()
class Names {
  constructor(private readonly membership: MembershipService) {}
  @MessagePattern('name')
  name(): string {
    return this.membership.local.id;
  }
}

describe('native handlers and callers', () => {
  it('meet those of microservices, with replies, messages and errors', async () => {
    const heard: unknown[] = [];
    @Injectable()
    class Native {
      @OnClusterRequest('native')
      native(data: number, message: ClusterMessage): unknown {
        if (data < 0) throw new ClusterException('NEGATIVE', 'below zero', { data });
        return [data, message.headers['tenant']];
      }
      @OnClusterMessage('noted')
      noted(data: unknown): void {
        heard.push(data);
      }
    }
    @Controller()
    class Micro {
      @MessagePattern('micro')
      micro(data: number): number {
        if (data < 0) throw new RpcException('below zero');
        return data + 1;
      }
      @(EventPattern('micro noted') as MethodDecorator)
      noted(data: unknown): void {
        heard.push(data);
      }
    }
    const server = await hybrids.start([Micro], { root: { providers: [Native] } });
    const asker = await hybrids.start();
    const client = clientOf(asker);
    const record = new ClusterRecordBuilder(1).headers({ tenant: 'a' }).build();
    expect(await firstValueFrom(client.send('native', record))).toEqual([1, 'a']);
    const refused = firstValueFrom(client.send('native', -1));
    await expect(refused).rejects.toBeInstanceOf(RemoteError);
    await expect(refused).rejects.toMatchObject({ remoteCode: 'NEGATIVE', response: { data: -1 } });
    await lastValueFrom(client.emit('noted', 'by a client'));

    const { local } = server.membership;
    expect(await asker.membership.request(local, 'micro', 1)).toBe(2);
    await expect(asker.membership.request(local, 'micro', -1)).rejects.toMatchObject({
      remoteCode: 'RPC',
      response: { status: 'error', message: 'below zero' },
    });
    await asker.membership.emit(local, 'micro noted', 'by a member');
    await until('both are heard', () => heard.length === 2);
    expect(heard).toEqual(['by a client', 'by a member']);
  });
});

describe('send', () => {
  it('asks the members in turn, this one included, those that fit where, or the one that a record names', async () => {
    const [a, b, c] = [
      await hybrids.start([Names]),
      await hybrids.start([Names]),
      await hybrids.start([Names]),
    ];
    const ids = [a, b, c].map(({ membership }) => membership.local.id);
    const ask = (client: ClusterClient, data: unknown = {}) =>
      firstValueFrom(client.send<string>('name', data));
    const any = new ClusterClient({ membership: a.membership });
    const asked = [await ask(any), await ask(any), await ask(any)];
    expect(asked.toSorted()).toEqual(ids.toSorted());
    const onlyB = clientOf(a, { where: (member) => member.id === ids[1] });
    expect(await ask(onlyB)).toBe(ids[1]);
    for (const id of ids) expect(await ask(onlyB, new ClusterRecordBuilder({}).to(id).build())).toBe(id);
    const nobody = clientOf(a, { where: () => false });
    await expect(ask(nobody)).rejects.toBeInstanceOf(NotDeliveredError);
    await expect(ask(any, new ClusterRecordBuilder({}).to('f'.repeat(32)).build())).rejects.toBeInstanceOf(
      UnknownMemberError,
    );
  });

  it('goes on to the next member where there is no handler, or one that drains, and says so when none has one', async () => {
    const [a, b, c] = [await hybrids.start(), await hybrids.start([Names]), await hybrids.start([Names])];
    const client = new ClusterClient({ membership: a.membership });
    const ask = () => firstValueFrom(client.send<string>('name', {}));
    for (let i = 0; i < 6; i++) expect(await ask()).not.toBe(a.membership.local.id);
    await c.membership.setHealth('draining', 'a test');
    await until('a knows', () => a.membership.member(c.membership.local.id)?.health === 'draining');
    for (let i = 0; i < 4; i++) expect(await ask()).toBe(b.membership.local.id);
    await expect(firstValueFrom(client.send('nobody has it', {}))).rejects.toBeInstanceOf(NoHandlerError);
  });
});

describe('emit', () => {
  it('reaches all that fit, this one included, and a member without a handler has missed nothing', async () => {
    const heard: string[] = [];
    @Controller()
    class Listener {
      constructor(private readonly membership: MembershipService) {}
      @(EventPattern('told') as MethodDecorator)
      told(): void {
        heard.push(this.membership.local.id);
      }
    }
    const [a, b] = [await hybrids.start([Listener]), await hybrids.start([Listener])];
    await hybrids.start();
    const all = new ClusterClient({ membership: a.membership });
    const outcome = await lastValueFrom(all.emit<BroadcastOutcome>('told', {}));
    const ids = [a, b].map(({ membership }) => membership.local.id);
    expect(outcome.delivered.map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
    expect(outcome.failed).toEqual([]);
    await until('both have heard', () => heard.length === 2);
    expect(heard.toSorted()).toEqual(ids.toSorted());
    await lastValueFrom(clientOf(a).emit('told', {}));
    await until('b has heard again', () => heard.length === 3);
    expect(heard[2]).toBe(ids[1]);
  });

  it('that reaches nobody who should have it rejects with what became of it', async () => {
    const { membership } = await hybrids.start();
    const client = new ClusterClient({ membership });
    const unsendable = lastValueFrom(client.emit('told', new Map()));
    await expect(unsendable).rejects.toBeInstanceOf(BroadcastFailedError);
    const gone = new ClusterRecordBuilder({}).to('f'.repeat(32)).build();
    await expect(lastValueFrom(client.emit('told', gone))).rejects.toBeInstanceOf(UnknownMemberError);
  });
});

describe('a start', () => {
  const started = (...controllers: (new () => unknown)[]) => hybrids.start(controllers);

  it('is stopped by a pattern that is reserved, there twice, or taken by a native handler', async () => {
    @Controller()
    class Wild {
      @MessagePattern('all.*')
      all(): void {}
    }
    @Controller()
    class Twice {
      @MessagePattern('x')
      one(): void {}
      @MessagePattern('x')
      two(): void {}
    }
    @Controller()
    class Both {
      @MessagePattern('y')
      micro(): void {}
      @OnClusterRequest('y')
      native(): void {}
    }
    await expect(started(Wild)).rejects.toThrow(InvalidOptionError);
    await expect(started(Twice)).rejects.toThrow('@MessagePattern("x") is there twice');
    await expect(started(Both)).rejects.toThrow(InvalidHandlerError);
  });

  it('is not even begun with options that are none', async () => {
    const { membership } = await hybrids.start();
    const broken = (make: () => unknown) => {
      expect(make).toThrow(InvalidOptionError);
      return make;
    };
    expect(broken(() => new ClusterServer(undefined as never))).toThrow('membership');
    expect(broken(() => new ClusterServer(membership, { streams: { open: 0 } }))).toThrow('streams.open');
    expect(broken(() => new ClusterServer(membership, { serialiser: {} } as never))).toThrow('serializer');
    expect(broken(() => new ClusterServer(membership, { streams: { opened: 1 } } as never))).toThrow('open');
    expect(broken(() => new ClusterClient({} as never))).toThrow('membership');
    expect(broken(() => new ClusterClient({ membership, timeoutMs: 0 }))).toThrow('timeoutMs');
    expect(broken(() => new ClusterClient({ membership, where: 'a' as never }))).toThrow('where');
    expect(broken(() => new ClusterRecordBuilder({}).to(undefined as never))).toThrow('to');
  });
});

describe('a server and a client', () => {
  it('tell the state of the node, its events, and the service itself', async () => {
    const a = await hybrids.start([Names]);
    const client = new ClusterClient({ membership: a.membership });
    const seen: ClusterConnectionStatus[] = [];
    a.server.status.subscribe((status) => seen.push(status));
    const joined: string[] = [];
    a.server.on('joined', (member) => joined.push(member.id));
    client.on('left', (member) => joined.push(`left ${member.id}`));
    await client.connect();
    expect(await firstValueFrom(client.status)).toBe('connected');
    expect(client.unwrap()).toBe(a.membership);
    expect(a.server.unwrap()).toBe(a.membership);
    const b = await hybrids.start();
    const { id } = b.membership.local;
    await until('a has seen b', () => joined.includes(id));
    await b.membership.leave();
    await until('a has seen b leave', () => joined.includes(`left ${id}`));
    await a.membership.leave();
    await until('the end is told', () => seen.at(-1) === 'disconnected');
    expect(seen).toEqual(['connected', 'disconnected']);
    client.close();
  });

  it('carry what a dispatch hook and serializers make of packets', async () => {
    @Controller()
    class Echo {
      @MessagePattern('echo')
      echo(data: unknown): unknown {
        return data;
      }
    }
    const wrapped = {
      serialize: (packet: { data?: unknown; response?: unknown }) => ({
        wrapped: packet.data ?? packet.response,
      }),
    };
    const requests = { deserialize: (body: { wrapped: unknown }) => ({ pattern: '', data: body.wrapped }) };
    const responses = { deserialize: (body: { wrapped: unknown }) => ({ response: body.wrapped }) };
    await hybrids.start([Echo], { server: { serializer: wrapped, deserializer: requests } });
    const asker = await hybrids.start();
    const client = clientOf(asker, { serializer: wrapped, deserializer: responses as never });
    expect(await firstValueFrom(client.send('echo', 'x'))).toBe('x');
    const bare = await firstValueFrom(clientOf(asker).send('echo', { wrapped: 'y' }));
    expect(bare).toEqual({ wrapped: 'y' });
    const hooked = clientOf(asker);
    hooked.setOnDispatchHook((packet) => (packet.metadata = { trace: 't' }));
    const headers = await new Promise((resolve) => {
      const [server] = asker.membership.members({ where: ({ id }) => id !== asker.membership.local.id });
      const remove = asker.membership.onMessage('hooked', (_data, message) => resolve(message.headers));
      void lastValueFrom(
        hooked.emit('hooked', new ClusterRecordBuilder({}).to(asker.membership.local).build()),
      ).then(remove);
      expect(server).toBeDefined();
    });
    expect(headers).toEqual({ trace: 't' });
  });

  it('end what is under way when the client is closed', async () => {
    @Controller()
    class Slow {
      @MessagePattern('slow')
      slow(): Promise<never> {
        return new Promise(() => undefined);
      }
    }
    await hybrids.start([Slow], { cluster: { drainTimeoutMs: 50 } });
    const client = clientOf(await hybrids.start());
    const waiting = lastValueFrom(client.send('slow', {}).pipe(toArray()));
    setTimeout(() => client.close(), 50);
    await expect(waiting).rejects.toBeInstanceOf(ClosedError);
  });
});

import {
  BadGatewayException,
  Catch,
  ConflictException,
  HttpException,
  ImATeapotException,
  Injectable,
  IntrinsicException,
  UseFilters,
  UseGuards,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import { RpcException } from '@nestjs/microservices';
import { throwError, type Observable } from 'rxjs';
import { describe, expect, it } from '@jest/globals';
import { ReplyError } from '../../src/errors.js';
import { ClusterException } from '../../src/nestjs/cluster-exception.js';
import { OnClusterMessage } from '../../src/nestjs/decorators/on-cluster-message.decorator.js';
import { OnClusterRequest } from '../../src/nestjs/decorators/on-cluster-request.decorator.js';
import { OnMemberJoined } from '../../src/nestjs/decorators/on-membership-event.decorator.js';
import { startApp, type StartedApp } from './start-app.js';

/** What the data says is thrown. */
const errors: Record<string, () => unknown> = {
  cluster: () => new ClusterException('OUT_OF_STOCK', 'No more', { sku: 7 }),
  'rpc text': () => new RpcException('busy'),
  'rpc object': () => new RpcException({ code: 'LATE', message: 'too late', by: 3 }),
  conflict: () => new ConflictException('twice'),
  teapot: () => new ImATeapotException(),
  'odd status': () => new HttpException('odd', 499),
  reply: () => new ReplyError('MINE', 'told', 1),
  gateway: () => new BadGatewayException('secret host 10.0.0.1'),
  intrinsic: () => new IntrinsicException('internal'),
  error: () => new TypeError('secret'),
  text: () => 'thrown text',
};

class Throwing {
  @OnClusterRequest('ask')
  ask(which: string): void {
    throw errors[which]!();
  }
  @OnClusterMessage('tell')
  async tell(which: string): Promise<void> {
    throw errors[which]!();
  }
  @OnMemberJoined()
  joined(): void {
    throw errors['error']!();
  }
}
@Injectable()
class Bare extends Throwing {}
@Injectable()
@UseGuards({ canActivate: () => true })
class Guarded extends Throwing {}

const both = describe.each([
  ['called directly', Bare],
  ["behind Nest's pipeline", Guarded],
]);

async function started(provider: new () => object, test: (app: StartedApp) => Promise<void>): Promise<void> {
  const app = await startApp({ providers: [provider] });
  await test(app);
  expect(app.nest.at('error')).toEqual([]);
  await app.app.close();
}

both('the caller of a request handler %s', (_how, provider) => {
  it.each([
    ['cluster', 'OUT_OF_STOCK', 'No more', { sku: 7 }],
    ['rpc text', 'RPC', 'busy', 'busy'],
    ['rpc object', 'LATE', 'too late', { code: 'LATE', message: 'too late', by: 3 }],
    ['conflict', 'CONFLICT', 'twice', { statusCode: 409, message: 'twice', error: 'Conflict' }],
    ['teapot', 'I_AM_A_TEAPOT', "I'm a teapot", expect.anything()],
    ['odd status', 'HTTP_499', 'odd', 'odd'],
    ['reply', 'MINE', 'told', 1],
  ])('is told of %s', (which, replyCode, message, response) =>
    started(provider, async ({ node, log }) => {
      const told: unknown = await node.ask('ask', which).catch((error: unknown) => error);
      expect(told).toBeInstanceOf(ReplyError);
      expect(told).toMatchObject({ replyCode, message, response });
      expect([...log.at('warn'), ...log.at('error')]).toEqual([]);
    }),
  );

  it.each(['gateway', 'intrinsic', 'error', 'text'])(
    'is not told of %s: the node gets it as it is',
    (which) =>
      started(provider, async ({ node }) => {
        const left: unknown = await node.ask('ask', which).catch((error: unknown) => error);
        expect(left).not.toBeInstanceOf(ReplyError);
        expect(String(left)).toBe(String(errors[which]!()));
      }),
  );
});

both('without a caller, a handler %s', (_how, provider) => {
  it.each(['cluster', 'conflict', 'intrinsic'])('that throws %s is logged once, at warn', (which) =>
    started(provider, async ({ node, log }) => {
      await node.receive('tell', which);
      expect(node.failures).toEqual([]);
      expect(log.at('warn')).toEqual([
        `${provider.name}.tell refused a call: ${(errors[which]!() as Error).message}`,
      ]);
    }),
  );

  it('whose refusals repeat is logged once in a while', () =>
    started(provider, async ({ node, log }) => {
      for (let i = 0; i < 100; i++) await node.receive('tell', 'conflict');
      expect(log.at('warn')).toHaveLength(1);
    }));

  it.each(['rpc text', 'gateway', 'error', 'text'])(
    'that throws %s leaves it to the node, which logs it once',
    (which) =>
      started(provider, async ({ node, log }) => {
        await node.receive('tell', which);
        // A BadGatewayException is intrinsic to Nest.
        if (which === 'gateway') expect(log.at('warn')).toHaveLength(1);
        else expect(node.failures.map(String)).toEqual([String(errors[which]!())]);
      }),
  );

  it('that throws on an event leaves it to the node', () =>
    started(provider, async ({ node }) => {
      await node.happen('joined');
      expect(node.failures.map(String)).toEqual(['TypeError: secret']);
    }));
});

describe('a filter', () => {
  const caught: string[] = [];

  @Catch(TypeError)
  class Silent implements ExceptionFilter {
    catch(error: TypeError, host: ArgumentsHost): void {
      caught.push(`${host.getType()} ${error.message}`);
    }
  }
  @Catch(RangeError)
  class Mapping implements ExceptionFilter {
    catch(error: RangeError): unknown {
      return throwError(() => new ClusterException('RANGE', error.message));
    }
  }
  @Injectable()
  @UseFilters(Silent, Mapping)
  class Filtered {
    @OnClusterMessage('tell')
    tell(): void {
      throw new TypeError('told');
    }
    @OnClusterRequest('ask')
    ask(): void {
      throw new TypeError('asked');
    }
    @OnClusterRequest('map')
    map(): void {
      throw new RangeError('far');
    }
    @OnMemberJoined()
    joined(): void {
      throw new TypeError('joined');
    }
  }

  it('that returns nothing ends the matter where nobody waits, and lets the caller know where one does', async () => {
    const { app, node, log, nest } = await startApp({ providers: [Filtered] });
    await node.receive('tell', null);
    await node.happen('joined');
    await expect(node.ask('ask', null)).rejects.toThrow(new TypeError('asked'));
    expect(caught).toEqual(['cluster told', 'cluster joined', 'cluster asked']);
    expect(node.failures).toEqual([]);
    expect([...log.at('warn'), ...log.at('error'), ...nest.at('error')]).toEqual([]);
    await app.close();
  });

  it('may be asynchronous, hand the error on, and answer for the handler', async () => {
    @Catch()
    class Choosing implements ExceptionFilter {
      async catch(error: Error): Promise<unknown> {
        if (error.message === 'answered') return 'an answer';
        if (error.message === 'handed on') throw error;
        return undefined;
      }
    }
    @Injectable()
    @UseFilters(Choosing)
    class Handlers {
      @OnClusterRequest('ask')
      ask(message: string): void {
        throw new TypeError(message);
      }
      @OnClusterMessage('tell')
      tell(message: string): Observable<never> {
        return throwError(() => new TypeError(message));
      }
    }
    const { app, node, nest } = await startApp({ providers: [Handlers] });
    expect(await node.ask('ask', 'answered')).toBe('an answer');
    for (const message of ['handed on', 'silent'])
      await expect(node.ask('ask', message)).rejects.toThrow(new TypeError(message));
    for (const message of ['answered', 'silent', 'handed on']) await node.receive('tell', message);
    expect(node.failures).toEqual([new TypeError('handed on')]);
    expect(nest.at('error')).toEqual([]);
    await app.close();
  });

  it('may give another error as an Observable', async () => {
    const { app, node } = await startApp({ providers: [Filtered] });
    await expect(node.ask('map', null)).rejects.toMatchObject({ replyCode: 'RANGE', message: 'far' });
    await app.close();
  });
});

import 'reflect-metadata';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  ClientProxyFactory,
  MessagePattern,
  Payload,
  Transport,
  type MicroserviceOptions,
} from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';
import { closedLoop } from '../closed-loop.js';
import { payloadOf, valueOf, type Contender } from '../contender.js';
import { freePort } from './listening.js';

@Controller()
class Orders {
  @MessagePattern('take')
  take(@Payload() _order: unknown): boolean {
    return true;
  }

  @MessagePattern('echo')
  echo(@Payload() order: unknown): unknown {
    return order;
  }
}

@Module({ controllers: [Orders] })
class AppModule {}

/**
 * The transport that a Nest application has at hand. It acknowledges nothing by itself: one way is a request with a
 * short answer. It carries JSON, so bytes are a text of that length.
 */
export const nestTcp: Contender = {
  async serve() {
    const port = await freePort();
    const app = await NestFactory.createMicroservice<MicroserviceOptions>(AppModule, {
      transport: Transport.TCP,
      options: { host: '127.0.0.1', port },
      logger: false,
    });
    await app.listen();
    return port;
  },

  async connect(port: number) {
    const client = ClientProxyFactory.create({
      transport: Transport.TCP,
      options: { host: '127.0.0.1', port },
    });
    await client.connect();
    return (load) => {
      const isValue = load.operation === 'emit' || load.operation === 'ask';
      const pattern = load.operation === 'send' || load.operation === 'emit' ? 'take' : 'echo';
      const data = isValue ? valueOf(load.bytes) : payloadOf(load.bytes).toString('latin1');
      return closedLoop(load, () => firstValueFrom(client.send<unknown>(pattern, data)));
    };
  },
};

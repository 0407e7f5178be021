import 'reflect-metadata';
import { Injectable, Module, type INestApplicationContext, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  ClusterMessage,
  ClusterModule,
  Member,
  MembershipService,
  OnClusterMessage,
  OnMemberJoined,
  seeds,
} from 'clusterpack';
import * as core from 'clusterpack/core';

interface Hello {
  readonly from: string;
}

@Injectable()
class Greeter {
  readonly joined: string[] = [];
  readonly heard: string[] = [];

  constructor(readonly membership: MembershipService) {}

  @OnMemberJoined()
  greet(member: Member): void {
    this.joined.push(member.name);
  }

  @OnClusterMessage('hello')
  hello(data: Hello, message: ClusterMessage): void {
    this.heard.push(`${data.from} says ${message.pattern}`);
  }
}

function application(nodeName: string, ...addresses: string[]): Type {
  @Module({
    imports: [
      ClusterModule.forRoot({
        clusterName: 'smoke',
        nodeName,
        host: '127.0.0.1',
        port: 0,
        discovery: seeds(...addresses),
      }),
    ],
    providers: [Greeter],
  })
  class AppModule {}
  return AppModule;
}

async function start(nodeName: string, ...addresses: string[]): Promise<INestApplicationContext> {
  return NestFactory.createApplicationContext(application(nodeName, ...addresses), {
    logger: ['warn', 'error'],
  });
}

async function until(what: string, holds: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 15_000; !holds();) {
    if (Date.now() > deadline) throw new Error(`not within 15 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function main(): Promise<void> {
  // A CommonJS application must get the same module whichever subpath it asks.
  if (typeof core.loopback !== 'function' || core.seeds !== seeds)
    throw new Error('clusterpack/core is another copy');

  const first = await start('first');
  const { host, port } = first.get(MembershipService).local.address;
  const second = await start('second', `${host}:${port}`);
  const greeter = second.get(Greeter);
  await greeter.membership.whenReady();

  for (const [app, other] of [
    [first, 'second'],
    [second, 'first'],
  ] as const) {
    await until(`the other node sees ${other}`, () => app.get(MembershipService).activeMembers.length === 2);
    await until(`@OnMemberJoined is told of ${other}`, () => app.get(Greeter).joined.includes(other));
  }

  const recipient = greeter.membership.activeMembers.find((member) => member.name === 'first');
  if (recipient === undefined) throw new Error('first is not in the view');
  await greeter.membership.emit(recipient, 'hello', { from: 'second' });
  await until('@OnClusterMessage is told', () => first.get(Greeter).heard.includes('second says hello'));

  await second.close();
  await first.close();
  console.log('two nodes met');
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
